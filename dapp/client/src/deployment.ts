import { isAddress, isHash } from "./basic.js";
import { AssayError, messageOf } from "./errors.js";
import type { DeployedContract, Deployment } from "./types/basic.js";

const bad = (what: string, cause?: unknown) =>
  new AssayError("BadDeployment", `this is no deployment: ${what}; give the file that \`assay deploy\` writes`, {
    cause,
  });

function object(json: unknown, what: string): Record<string, unknown> {
  if (typeof json !== "object" || json === null) throw bad(`${what} is no object`);
  return json as Record<string, unknown>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw bad(messageOf(cause), cause);
  }
}

/** Checks the content of the file that `assay deploy` writes, as text or parsed. */
export function parseDeployment(json: unknown): Deployment {
  const file = object(typeof json === "string" ? parsed(json) : json, "it");
  const text = (from: Record<string, unknown>, field: string, fits: (text: string) => boolean): any => {
    const value = from[field];
    if (typeof value !== "string" || !fits(value)) throw bad(`${field} is ${JSON.stringify(value)}`);
    return value;
  };
  const number = (field: string): number => {
    const value = file[field];
    if (!Number.isSafeInteger(value) || (value as number) < 0) throw bad(`${field} is ${JSON.stringify(value)}`);
    return value as number;
  };
  const contract = (name: string): DeployedContract => {
    const deployed = object(file[name], name);
    return {
      address: text(deployed, "address", isAddress).toLowerCase(),
      codeHash: text(deployed, "code_hash", isHash).toLowerCase(),
    };
  };
  return {
    network: text(file, "network", () => true),
    url: text(file, "url", (url) => /^wss?:\/\//.test(url)),
    genesis: text(file, "genesis", isHash).toLowerCase(),
    titles: contract("titles"),
    registry: contract("registry"),
    market: contract("market"),
    block: number("block"),
    deployedAt: number("deployed_at"),
  };
}
