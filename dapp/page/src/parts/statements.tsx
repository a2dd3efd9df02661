// What accounts say of a record. The chain does not judge it, nor does this page.

import type { Node, StatementKind } from "@assay/client";
import { useRead } from "../read";
import { Account, Hex, Name, When } from "../ui/basics";
import { Empty, Pager, Part, Show, usePage } from "../ui/states";

const kinds: Record<StatementKind, string> = {
  Evaluation: "Evaluation",
  Audit: "Audit",
  Takedown: "Asks for its removal",
  Note: "Note",
};

export function Statements({ about }: { about: Node }) {
  const page = usePage(10);
  const key = about.type === "Job" ? String(about.value.job) : about.value;
  const read = useRead(`statements ${about.type} ${key} ${page.offset}`, (client) =>
    client.statements(about, { offset: page.offset, limit: page.size }),
  );
  return (
    <Part id="statements" title="What others say of it">
      <Show read={read} what="the statements">
        {({ total, items }) =>
          total === 0 ? (
            <Empty>
              Nobody has said anything yet. <code>assay statement add</code> does.
            </Empty>
          ) : (
            <>
              <ul class="bare rows">
                {items.map(({ author, kind, text, evidence, at, block }, place) => (
                  <li key={`${block} ${place}`}>
                    <span class="tag">{kinds[kind]}</span> <Name text={text} />
                    <span class="quiet block">
                      <Account address={author} />, <When at={at} />
                      {evidence ? (
                        <>
                          , shown by the document <Hex value={evidence} what="hash of the document" />
                        </>
                      ) : null}
                    </span>
                  </li>
                ))}
              </ul>
              <Pager offset={page.offset} size={page.size} total={total} go={page.go} />
            </>
          )
        }
      </Show>
    </Part>
  );
}
