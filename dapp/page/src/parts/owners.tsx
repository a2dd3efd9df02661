// Who owned a model, and since when.

import type { Hash } from "@assay/client";
import { useRead } from "../read";
import { Account, When } from "../ui/basics";
import { Empty, Part, Show } from "../ui/states";

export function Owners({ model }: { model: Hash }) {
  const read = useRead(`owners ${model}`, (client) => client.owners(model));
  return (
    <Part id="owners" title="Who owned it">
      <Show read={read} what="the owners">
        {({ history, complete }) =>
          history.length === 0 ? (
            <Empty>The node no longer has the blocks in which it changed hands.</Empty>
          ) : (
            <>
              <ol class="bare rows">
                {[...history].reverse().map(({ owner, from, block, at }, place) => (
                  <li key={`${owner} ${block?.number ?? place}`}>
                    <Account address={owner} /> {place === 0 ? <span class="tag good">now</span> : null}
                    <span class="quiet block">
                      {from ? "given on" : "as the job’s client, when it was registered"}
                      {block ? `, in block ${block.number.toLocaleString("en-GB")}` : ""}
                      {at !== undefined ? (
                        <>
                          , <When at={at} />
                        </>
                      ) : null}
                    </span>
                  </li>
                ))}
              </ol>
              {complete ? null : (
                <p class="quiet">Earlier owners may be missing: the node no longer has all of the blocks.</p>
              )}
            </>
          )
        }
      </Show>
    </Part>
  );
}
