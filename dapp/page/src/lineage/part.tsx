// The lineage on a page: drawing, what is chosen in it, licences, and the same as a list.

import type { Graph, GraphNode, NodeOf } from "@assay/client";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { fileName, save } from "../files";
import { type Obligations, duties, gather } from "../licences";
import { useRead } from "../read";
import { client } from "../session";
import { cut } from "../text";
import { Account, Hex, Licence, Name, nodeAddress } from "../ui/basics";
import { Empty, Failed, Part, Show } from "../ui/states";
import { LineageGraph } from "./graph";
import { type Lineage, joined, kindName, lineage, sources, title } from "./model";
import { svgFile } from "./picture";
import { toError } from "../errors";

/** What was made from a node is fetched in parts of so many. */
const childrenAtOnce = 50;

/** Of what was made from a dataset so many are in its first drawing. */
const firstDescendants = 40;

/** The lineage of a model or dataset, which can be walked on from where it ends. */
export function LineageParts({ root, name }: { root: NodeOf<"Model" | "Dataset">; name: string }) {
  const data = root.type === "Dataset";
  const read = useRead(
    `provenance ${root.value}`,
    async (client) => {
      const graph = await client.provenance(root);
      if (!data) return { graph, drawn: lineage(graph) };
      // A dataset is looked at for what became of it, too.
      const into = await client.descendants(root, { depth: 1, limit: firstDescendants, withoutOperators: true });
      return { graph, drawn: joined(lineage(graph), into) };
    },
    false,
  );
  return (
    <>
      <Part id="lineage" title={data ? "Where it comes from, and what was made of it" : "What it is made of"}>
        <Show read={read} what="the lineage">
          {({ graph, drawn }) => <Walk key={graph.root} first={drawn} name={name} cut={graph.cut} />}
        </Show>
      </Part>
      {read.value ? <Licences graph={read.value.graph} /> : null}
    </>
  );
}

function Walk({ first, name, cut: partial }: { first: Lineage; name: string; cut: boolean }) {
  const [grown, setGrown] = useState(first);
  const [selected, select] = useState(first.root);
  const [failed, setFailed] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const picture = useRef<SVGSVGElement>(null);
  useEffect(() => setGrown(first), [first.nodes.size]);
  const found = useMemo(() => obligations(grown), [grown]);
  const marked = useMemo(() => new Set(found.conflicts.map(({ source }) => source)), [found]);
  const node = grown.nodes.get(selected);

  const grow = async (of: GraphNode, way: "children" | "parents") => {
    const connected = client.value;
    if (!connected || of.node.type === "Operator") return;
    setBusy(true);
    setFailed(undefined);
    try {
      const options = { depth: 1, limit: childrenAtOnce };
      const more =
        way === "children"
          ? await connected.descendants(of.node, options)
          : await connected.provenance(of.node, { ...options, depth: 4 });
      setGrown((before) => joined(before, more));
    } catch (error) {
      setFailed(toError(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <>
      <p class="legend quiet">
        {counted(grown)}
        {partial ? " There is more: choose a node with “…” and follow it." : ""}
      </p>
      <LineageGraph lineage={grown} selected={selected} select={select} marked={marked} picture={picture} />
      {node ? (
        <Chosen
          node={node}
          root={node.key === grown.root}
          busy={busy}
          grow={grow}
          conflicts={found.conflicts.filter(({ source }) => source === node.key).map(({ reason }) => reason)}
        />
      ) : null}
      {failed ? <Failed error={failed} what="It could not be followed" /> : null}
      <div class="actions">
        <button
          type="button"
          class="button"
          onClick={() => {
            if (picture.current) save(`${fileName(name, "lineage")}.svg`, "image/svg+xml", svgFile(picture.current));
          }}
        >
          Save the drawing (SVG)
        </button>
      </div>
      <AsList lineage={grown} />
    </>
  );
}

function counted(lineage: Lineage): string {
  const kinds = new Map<string, number>();
  for (const { node } of lineage.nodes.values()) kinds.set(node.type, (kinds.get(node.type) ?? 0) + 1);
  const parts = [...kinds].map(([kind, count]) => {
    const word = kindName[kind as keyof typeof kindName];
    return `${count.toLocaleString("en-GB")} ${count === 1 ? word : `${word}s`}`;
  });
  return `${parts.join(", ")}.`;
}

interface ChosenProps {
  node: GraphNode;
  root: boolean;
  busy: boolean;
  grow: (of: GraphNode, way: "children" | "parents") => void;
  conflicts: string[];
}

/** What is known of the chosen node, and the ways on from it. */
function Chosen({ node, root, busy, grow, conflicts }: ChosenProps) {
  const { node: what } = node;
  const market = client.value?.network.deployment.market.address ?? "0x";
  const href = nodeAddress(what, market);
  const id = what.type === "Job" ? undefined : what.value;
  return (
    <div class="box chosen" aria-live="polite">
      <h3>
        <Name text={title(node)} /> <span class="tag">{kindName[what.type]}</span>
      </h3>
      <p class="quiet">
        {id ? <Hex value={id} what="id" /> : null}
        {node.licence ? (
          <>
            {" "}
            · <Licence text={node.licence} />
          </>
        ) : null}
        {node.owner ? (
          <>
            {" "}
            · owned by <Account address={node.owner} />
          </>
        ) : null}
        {node.model ? ` · ${node.model.segmentsChecked} of ${node.model.segments} segments replayed and confirmed` : ""}
      </p>
      {conflicts.length > 0 ? (
        <ul>
          {conflicts.map((reason) => (
            <li key={reason}>Licence conflict: {cut(reason, 300)}.</li>
          ))}
        </ul>
      ) : null}
      <div class="actions">
        {href && !root ? (
          <a class="button main" href={href}>
            Open this {kindName[what.type]}
          </a>
        ) : null}
        {what.type === "Operator" ? null : (
          <button type="button" class="button" disabled={busy} onClick={() => grow(node, "children")}>
            Show what was made from it
          </button>
        )}
        {node.cut && what.type !== "Operator" ? (
          <button type="button" class="button" disabled={busy} onClick={() => grow(node, "parents")}>
            Show what it was made from
          </button>
        ) : null}
      </div>
    </div>
  );
}

/** The same as a table, for whoever prefers one. It is made when it is opened. */
function AsList({ lineage }: { lineage: Lineage }) {
  const [open, setOpen] = useState(false);
  const from = useMemo(() => sources(lineage.edges), [lineage]);
  const market = client.value?.network.deployment.market.address ?? "0x";
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>The same as a table</summary>
      {open ? (
        <div class="wide" role="group" aria-label="Table" tabindex={0}>
          <table>
            <thead>
              <tr>
                <th>What</th>
                <th>Name</th>
                <th>Licence</th>
                <th>Made from</th>
              </tr>
            </thead>
            <tbody>
              {[...lineage.nodes.values()].map((node) => {
                const href = nodeAddress(node.node, market);
                const made = (from.get(node.key) ?? []).map((key) => lineage.nodes.get(key));
                return (
                  <tr key={node.key}>
                    <td>{kindName[node.node.type]}</td>
                    <td>
                      {href ? (
                        <a href={href}>
                          <Name text={title(node)} />
                        </a>
                      ) : (
                        <Name text={title(node)} />
                      )}
                    </td>
                    <td>{node.licence ? <Licence text={node.licence} /> : ""}</td>
                    <td>{made.map((one) => (one ? cut(title(one), 40) : "")).join(", ")}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      ) : null}
    </details>
  );
}

/** Where a job stands between a model and its data, duties pass through. */
export function obligations({ root, nodes, edges }: Pick<Lineage, "root" | "nodes" | "edges">): Obligations {
  const licensed = [...nodes.values()].map(({ key, licence }) => ({ key, licence: licence ?? "" }));
  return gather(root, licensed, sources(edges));
}

function Licences({ graph }: { graph: Graph }) {
  const whole = lineage(graph);
  const { duties: asked, conflicts } = obligations(whole);
  const names = (keys: string[]) => {
    const shown = keys.slice(0, 4).map((key) => cut(title(whole.nodes.get(key)!), 40));
    return keys.length > 4 ? `${shown.join(", ")} and ${keys.length - 4} more` : shown.join(", ");
  };
  return (
    <Part id="licences" title="What its licences ask">
      <p class="quiet">
        Gathered over all that it is made of, taking it as derived from its data. The names of the licences are read,
        not their texts: a help for reading, no legal advice.
        {graph.cut ? " The lineage goes on beyond what was read: there may be more." : ""}
      </p>
      {conflicts.length > 0 ? (
        <div class="box bad" data-conflicts>
          <h3>{conflicts.length === 1 ? "A conflict" : `${conflicts.length} conflicts`}</h3>
          <ul>
            {conflicts.slice(0, 20).map(({ source, made, reason }) => (
              <li key={`${source} ${made}`}>
                <strong>
                  <Name text={title(whole.nodes.get(made)!)} />
                </strong>{" "}
                is made from{" "}
                <strong>
                  <Name text={title(whole.nodes.get(source)!)} />
                </strong>
                , but {cut(reason, 300)}.
              </li>
            ))}
          </ul>
          {conflicts.length > 20 ? <p>… and {conflicts.length - 20} more, marked in the drawing.</p> : null}
        </div>
      ) : (
        <p>
          <span class="tag good">No conflict found</span>
        </p>
      )}
      {asked.length === 0 ? (
        <Empty>None of its licences asks for anything.</Empty>
      ) : (
        <ul class="bare rows">
          {asked.map(({ duty, from }) => (
            <li key={duty}>
              {duties[duty]} <span class="quiet">— for {names(from)}</span>
            </li>
          ))}
        </ul>
      )}
    </Part>
  );
}
