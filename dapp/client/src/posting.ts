import { sha256 } from "@noble/hashes/sha2.js";
import { toHex } from "./basic.js";
import type { Contracts } from "./contracts.js";
import type { Block, JobId } from "./types/basic.js";
import type { JobDraft, Secret } from "./types/transactions.js";

/** What a job on chain was posted with; nothing if there is none of this number. */
export async function jobLike({ market }: Contracts, at: Block, job: JobId): Promise<JobDraft | undefined> {
  const [view, spec] = await Promise.all([market.ask(at, "job", { job }), market.ask(at, "spec", { job })]);
  if (!view || !spec) return undefined;
  const { spec: _hash, sealedSecret: _sealed, ...terms } = view.terms;
  return { ...terms, model: view.model, datasets: view.datasets, spec };
}

/** The argument of `post_job`. */
export function posting(draft: JobDraft, { sealed }: Secret) {
  const { model, datasets, spec, ...terms } = draft;
  return { terms: { ...terms, spec: toHex(sha256(spec)), sealedSecret: sealed }, model, datasets, spec };
}
