import { sha256 } from "@noble/hashes/sha2.js";
import { toHex } from "./basic.js";
import type { Contracts } from "./contracts.js";
import type { Block, Hash, JobId } from "./types/basic.js";
import type { JobDraft, Secret } from "./types/transactions.js";

/** What a job on chain was posted with; nothing if there is none of this number. */
export async function jobLike(contracts: Contracts, at: Block, job: JobId): Promise<JobDraft | undefined> {
  const { market } = contracts;
  const [view, spec] = await Promise.all([market.ask(at, "job", { job }), market.ask(at, "spec", { job })]);
  if (!view || !spec) return undefined;
  const { spec: _hash, sealedSecret: _sealed, ...terms } = view.terms;
  const { datasets, model } = view;
  return { ...terms, model, datasets, spec, mostRoyaltiesBp: await royaltiesBp(contracts, at, datasets, model.parent) };
}

/** What the owners of inputs ask for now, in basis points of the payment. */
async function royaltiesBp({ registry }: Contracts, at: Block, datasets: Hash[], parent: Hash | undefined) {
  const [records, model] = await Promise.all([
    Promise.all(datasets.map((id) => registry.ask(at, "dataset", { id }))),
    parent && registry.ask(at, "model", { id: parent }),
  ]);
  return records.reduce((sum, record) => sum + (record?.terms.royaltyBp ?? 0), model?.royaltyBp ?? 0);
}

/** The argument of `post_job`; a market that does not ask for the limit of royalties does not read it. */
export function posting(draft: JobDraft, { sealed }: Secret) {
  const { model, datasets, spec, mostRoyaltiesBp, ...terms } = draft;
  return {
    terms: { ...terms, spec: toHex(sha256(spec)), sealedSecret: sealed },
    model,
    datasets,
    spec,
    mostRoyaltiesBp,
  };
}
