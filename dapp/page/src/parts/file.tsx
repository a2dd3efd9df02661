// The model's file: where it is, whether a downloaded one is it, and how to check the whole work again.

import type { Hash } from "@assay/client";
import { artefactMatches } from "@assay/client";
import { useRef, useState } from "preact/hooks";
import { bytes, plain } from "../text";
import { Copy, Hex, Location } from "../ui/basics";
import { Empty, Part } from "../ui/states";
import { toError } from "../errors";

/** A command to copy. */
export function Command({ text }: { text: string }) {
  return (
    <pre class="command">
      <code>{text}</code>
      <Copy text={text} what="command" />
    </pre>
  );
}

export function Artefact({ artefact, places, audit }: { artefact: Hash; places: string[]; audit: string }) {
  return (
    <>
      <Part id="file" title="Its file">
        <p>
          SHA-256 on record: <Hex value={artefact} what="SHA-256" />
        </p>
        {places.length > 0 ? (
          <ul>
            {places.map((place) => (
              <li key={place}>
                <Location url={place} />
              </li>
            ))}
          </ul>
        ) : (
          <Empty>No place is on record. Its operator or owner may have it.</Empty>
        )}
        <Drop artefact={artefact} />
      </Part>
      <Part id="again" title="Check it yourself">
        <p>
          This fetches the data and the checkpoints, replays segments on your machine, and says what it could not check:
        </p>
        <Command text={audit} />
      </Part>
    </>
  );
}

type Outcome =
  | { state: "idle" }
  | { state: "reading"; name: string; done: number; size: number }
  | { state: "read"; name: string; matches: boolean; found: Hash }
  | { state: "failed"; name: string; reason: string };

/** Takes a file and says whether it is the one on record. The file stays in the browser. */
function Drop({ artefact }: { artefact: Hash }) {
  const [outcome, setOutcome] = useState<Outcome>({ state: "idle" });
  const [over, setOver] = useState(false);
  const running = useRef<AbortController | undefined>(undefined);
  const input = useRef<HTMLInputElement>(null);
  const take = async (file: File | undefined) => {
    if (!file) return;
    running.current?.abort();
    const control = new AbortController();
    running.current = control;
    const name = file.name;
    setOutcome({ state: "reading", name, done: 0, size: file.size });
    try {
      const { matches, found } = await artefactMatches(file, artefact, {
        onProgress: (done) => {
          if (!control.signal.aborted) setOutcome({ state: "reading", name, done, size: file.size });
        },
        signal: control.signal,
      });
      if (!control.signal.aborted) setOutcome({ state: "read", name, matches, found });
    } catch (error) {
      if (control.signal.aborted) return;
      setOutcome({ state: "failed", name, reason: toError(error).message });
    }
  };
  return (
    <div
      class={over ? "drop over" : "drop"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void take(event.dataTransfer?.files[0]);
      }}
    >
      <p>Drop the downloaded file here, and see whether it is the registered one. It does not leave your machine.</p>
      <button type="button" class="button" onClick={() => input.current?.click()}>
        Choose a file
      </button>
      <input
        ref={input}
        type="file"
        class="unseen"
        tabIndex={-1}
        aria-label="The downloaded file"
        onChange={(event) => {
          const { files } = event.currentTarget;
          void take(files?.[0]);
          event.currentTarget.value = "";
        }}
      />
      <div role="status" data-drop={outcome.state}>
        <Said outcome={outcome} />
      </div>
    </div>
  );
}

function Said({ outcome }: { outcome: Outcome }) {
  switch (outcome.state) {
    case "idle":
      return null;
    case "reading":
      return (
        <p>
          Reading {plain(outcome.name)}: {bytes(outcome.done)} of {bytes(outcome.size)}
        </p>
      );
    case "failed":
      return (
        <p>
          {plain(outcome.name)} could not be read: {outcome.reason}
        </p>
      );
    case "read":
      return outcome.matches ? (
        <p>
          <span class="tag good">It is the registered file</span> <bdi>{plain(outcome.name)}</bdi> has the SHA-256 on
          record.
        </p>
      ) : (
        <p>
          <span class="tag bad">It is another file</span> <bdi>{plain(outcome.name)}</bdi> has the SHA-256{" "}
          <Hex value={outcome.found} what="SHA-256" />, which is not the one on record. Do not use it as this model.
        </p>
      );
  }
}
