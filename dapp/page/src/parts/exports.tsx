// A record in forms that other tools read, to be saved: the documents that `assay export` writes.

import type { ExportForm, Node } from "@assay/client";
import { useState } from "preact/hooks";
import { fileName, save } from "../files";
import { client } from "../session";
import { Failed, Part } from "../ui/states";
import { toError } from "../errors";

interface Offered {
  form: ExportForm;
  label: string;
  /** What it is for. */
  about: string;
}

const card: Offered = { form: "card", label: "Model card", about: "Markdown, as model hubs show it." };
const statement: Offered = {
  form: "statement",
  label: "in-toto statement",
  about: "Binds the file’s SHA-256 to this record, for supply-chain tools. Not signed: the chain vouches for it.",
};
const croissant: Offered = {
  form: "croissant",
  label: "Croissant",
  about: "JSON-LD, as dataset tools load it. Without the files, which the chain does not list.",
};
const prov: Offered[] = [
  { form: "prov-ld", label: "W3C PROV (JSON-LD)", about: "The whole lineage, for tools that read linked data." },
  { form: "prov", label: "W3C PROV (PROV-JSON)", about: "The same, for tools that read PROV only." },
];
const svg: Offered = { form: "svg", label: "Lineage as SVG", about: "All that it was made from, drawn." };

const offered: Record<Node["type"], Offered[]> = {
  Model: [card, statement, ...prov, svg],
  Dataset: [croissant, ...prov, svg],
  Job: [...prov, svg],
};

/** What a record can be saved as. `name` is for the file. */
export function Exports({ root, name }: { root: Node; name: string }) {
  const [busy, setBusy] = useState<ExportForm>();
  const [cut, setCut] = useState(false);
  const [failed, setFailed] = useState<Error>();
  const write = async (form: ExportForm) => {
    const connected = client.value;
    if (!connected) return;
    setBusy(form);
    setFailed(undefined);
    try {
      const { text, mediaType, ending, cut } = await connected.export(form, root);
      setCut(cut);
      save(`${fileName(name, root.type.toLowerCase())}.${ending}`, mediaType, text);
    } catch (error) {
      setFailed(toError(error));
    } finally {
      setBusy(undefined);
    }
  };
  return (
    <Part id="exports" title="For other tools">
      <ul class="bare exports">
        {offered[root.type].map(({ form, label, about }) => (
          <li key={form}>
            <button
              type="button"
              class="button"
              disabled={busy !== undefined}
              aria-describedby={`about-${form}`}
              onClick={() => write(form)}
            >
              {busy === form ? "Reading …" : label}
            </button>{" "}
            <span id={`about-${form}`} class="quiet">
              {about}
            </span>
          </li>
        ))}
      </ul>
      {cut ? <p class="quiet">The lineage goes on beyond what was read: what was saved has its near part.</p> : null}
      {failed ? <Failed error={failed} what="It could not be written" /> : null}
    </Part>
  );
}
