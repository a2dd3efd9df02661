/** What kind of thing went wrong, for programs; the message is for people and says what to do. */
export type ErrorCode =
  /** The node cannot be reached, or does not answer. */
  | "Unreachable"
  /** The chain is not the deployment's. */
  | "WrongNetwork"
  /** The chain has no contracts at all. */
  | "NoPallet"
  /** There is no contract at the address. */
  | "NoContract"
  /** There is another contract, or another version. */
  | "OtherContract"
  | "BadDeployment"
  | "BadAmount"
  | "BadAccount"
  /** What was given is no id, node or number. */
  | "BadInput"
  | "NotFound"
  /** A contract refused a message; `reason` is what it said. */
  | "Refused"
  /** The account cannot pay. */
  | "NotEnoughFunds"
  /** The chain refused a transaction, or it failed there. */
  | "Failed"
  /** The user did not sign. */
  | "NotSigned"
  | "Aborted"
  | "Closed";

/** A contract's reason: the name of its error, and what comes with it. */
export interface Refusal {
  contract: "market" | "registry" | "titles";
  name: string;
  value: unknown;
}

/** Whatever this library throws. */
export class AssayError extends Error {
  readonly code: ErrorCode;
  /** Why a contract refused. */
  readonly reason: Refusal | undefined;

  constructor(code: ErrorCode, message: string, more: { cause?: unknown; reason?: Refusal } = {}) {
    super(message, { cause: more.cause });
    this.name = "AssayError";
    this.code = code;
    this.reason = more.reason;
  }
}

/** The message of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
