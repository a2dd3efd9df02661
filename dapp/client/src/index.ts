/** Assay's records of models, datasets and training jobs, read from the chain. `connect` is where to begin. */
import { artefactHash, artefactMatches } from "./artefact.js";
import { FOR_EVER, isAddress, isHash, nodeKey, parseNodeKey, share, toAddress } from "./basic.js";
import { connect } from "./client.js";
import { parseDeployment } from "./deployment.js";
import { economics } from "./economics.js";
import { indexUrl, withIndex } from "./indexed/index.js";
import { wallets } from "./signers.js";
import type { Functions } from "./types/functions.js";

export type * from "./types.js";
export { AssayError, type ErrorCode, type Refusal } from "./errors.js";
export {
  FOR_EVER,
  artefactHash,
  artefactMatches,
  connect,
  economics,
  indexUrl,
  isAddress,
  isHash,
  nodeKey,
  parseDeployment,
  parseNodeKey,
  share,
  toAddress,
  wallets,
  withIndex,
};

// What is promised is what there is.
({
  FOR_EVER,
  artefactHash,
  artefactMatches,
  connect,
  economics,
  indexUrl,
  isAddress,
  isHash,
  nodeKey,
  parseDeployment,
  parseNodeKey,
  share,
  toAddress,
  wallets,
  withIndex,
}) satisfies Functions;
