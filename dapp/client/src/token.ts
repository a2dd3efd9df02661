import { AssayError } from "./errors.js";
import type { Amount, Token } from "./types/basic.js";

const PREFIXES: Record<string, number> = { k: 3, "": 0, m: -3, u: -6, µ: -6, n: -9, p: -12 };

/** The chain's token; one of it is `10^decimals * nativeToContract` of a contract's units. */
export function token(symbol: string, decimals: number, nativeToContract: bigint): Token {
  const one = 10n ** BigInt(decimals) * nativeToContract;
  const digits = one.toString().length - 1;

  const format = (amount: Amount): string => {
    const sign = amount < 0n ? "-" : "";
    const size = amount < 0n ? -amount : amount;
    const fraction = (size % one).toString().padStart(digits, "0").replace(/0+$/, "");
    return `${sign}${size / one}${fraction && `.${fraction}`} ${symbol}`;
  };

  const parse = (text: string): Amount => {
    const bad = (reason: string) =>
      new AssayError("BadAmount", `${JSON.stringify(text)} is no amount: ${reason}; write it like 1.5 ${symbol}`);
    const parts = /^\s*([\d_]*)(?:\.(\d*))?\s*(\S*)\s*$/.exec(text);
    if (!parts || !/\d/.test(text)) throw bad("there is no number");
    const [, whole = "", fraction = "", unit = ""] = parts;
    const prefix = unit === "" ? "" : unit.endsWith(symbol) ? unit.slice(0, -symbol.length) : undefined;
    const exponent = prefix === undefined ? undefined : PREFIXES[prefix];
    if (exponent === undefined) throw bad(`${JSON.stringify(unit)} is not a unit of this chain`);
    const shift = exponent - fraction.length;
    const number = BigInt(`0${whole.replaceAll("_", "")}${fraction}`) * one;
    const scale = 10n ** BigInt(Math.abs(shift));
    if (shift < 0 && number % scale !== 0n) throw bad("it has more digits behind the point than the chain");
    const amount = shift < 0 ? number / scale : number * scale;
    if (amount % nativeToContract !== 0n) throw bad(`the smallest amount is ${format(nativeToContract)}`);
    return amount;
  };

  return { symbol, decimals, nativeToContract, format, parse };
}
