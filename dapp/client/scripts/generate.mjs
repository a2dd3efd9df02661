// Makes src/generated from the committed contract bundles: what of their metadata is needed to encode and decode
// messages and events, and TypeScript types for them in the form that src/codec.ts gives (camel case, hashes as hex,
// variants without fields as plain strings).

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const artefacts = process.env.ASSAY_ARTEFACTS ?? here("../../../contracts/artefacts");
const protocol = process.env.ASSAY_PROTOCOL ?? here("../../../crates/protocol/src");
const generated = here("../src/generated");

const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
const pascal = (name) => camel(`_${name}`);

const heading = (file) => `// Made by scripts/generate.mjs from ${file}: change the contract, not this.\n\n`;

/** Prints the types of a bundle's registry; structs and enums that have one shape get names of their own. */
class Types {
  constructor(types) {
    this.types = new Map(types.map(({ id, type }) => [id, type]));
    this.declared = new Map();
    this.paths = new Map();
    for (const { path = [] } of this.types.values()) {
      const key = path.join("::");
      this.paths.set(key, (this.paths.get(key) ?? 0) + 1);
    }
  }

  /** The last part of its path, or with the module's name if two types share that; nothing for a generic type. */
  name({ path = [] }) {
    if (path.length < 2 || this.paths.get(path.join("::")) > 1) return undefined;
    const shared = [...this.paths.keys()].filter((key) => key.split("::").at(-1) === path.at(-1));
    return shared.length === 1 ? path.at(-1) : pascal(path[1]) + path.at(-1);
  }

  /** The type as an expression. */
  of(id) {
    const type = this.types.get(id);
    const name = this.name(type);
    if (!name || this.simple(type)) return this.expression(type);
    if (!this.declared.has(name)) {
      this.declared.set(name, undefined);
      this.declared.set(name, this.expression(type));
    }
    return name;
  }

  simple({ def }) {
    return !def.variant && !(def.composite?.fields ?? []).some(({ name }) => name);
  }

  fields(fields) {
    if (fields.length === 0) return "undefined";
    if (fields[0].name) return `{ ${fields.map(({ name, type }) => `${camel(name)}: ${this.of(type)}`).join("; ")} }`;
    const inner = fields.map(({ type }) => this.of(type));
    return inner.length === 1 ? inner[0] : `[${inner.join(", ")}]`;
  }

  expression({ def, path = [] }) {
    if (def.primitive) return { bool: "boolean", str: "string" }[def.primitive] ?? this.number(def.primitive);
    if (def.tuple) return def.tuple.length === 0 ? "undefined" : `[${def.tuple.map((id) => this.of(id)).join(", ")}]`;
    if (def.array) return this.isByte(def.array.type) ? "`0x${string}`" : `${this.of(def.array.type)}[]`;
    if (def.sequence) return this.isByte(def.sequence.type) ? "Uint8Array" : `Array<${this.of(def.sequence.type)}>`;
    if (def.composite) return this.fields(def.composite.fields ?? []);
    const variants = def.variant.variants ?? [];
    if (path[0] === "Option") return `${this.of(variants[1].fields[0].type)} | undefined`;
    if (path[0] === "Result") {
      const [ok, error] = variants.map(({ fields = [] }) => this.fields(fields));
      return `{ success: true; value: ${ok} } | { success: false; value: ${error} }`;
    }
    const print = ({ name, fields = [] }) =>
      fields.length === 0 ? `"${name}"` : `{ type: "${name}"; value: ${this.fields(fields)} }`;
    return variants.map(print).join(" | ") || "never";
  }

  number(primitive) {
    return ["u64", "u128", "u256", "i64", "i128"].includes(primitive) ? "bigint" : "number";
  }

  isByte(id) {
    return this.types.get(id).def.primitive === "u8";
  }
}

/** What the contract's `version` answers: not in the bundle, so from the source that it is built from. */
async function versionOf(name) {
  const source = await readFile(`${protocol}/${name}/mod.rs`, "utf8");
  const version = /^pub const VERSION: u32 = (\d+);$/m.exec(source)?.[1];
  if (!version) throw new Error(`${protocol}/${name}/mod.rs names no VERSION`);
  return `export const ${name}Version: number = ${version};\n`;
}

async function ink(name) {
  const bundle = JSON.parse(await readFile(`${artefacts}/${name}.contract`, "utf8"));
  const types = new Types(bundle.types);
  const list = (kind, items) => `export interface ${pascal(name)}${kind} {\n${items.join("")}}\n\n`;
  const parts = (args, open = "") =>
    `{${args.map((arg) => ` ${camel(arg.label)}: ${types.of(arg.type.type)};`).join("")}${open} }`;
  // A message answers Result<T, LangError>; what the library gives is T.
  const answer = (id) => types.fields(types.types.get(id).def.variant.variants[0].fields ?? []);
  const messages = bundle.spec.messages.map(
    ({ label, args, returnType }) => `  ${label}: { args: ${parts(args)}; answer: ${answer(returnType.type)} };\n`,
  );
  const events = bundle.spec.events.map(({ label, args }) => `  ${label}: ${parts(args)};\n`);
  const declarations = [...types.declared].map(([type, text]) => `export type ${type} = ${text};\n`);
  const { spec, version, storage } = bundle;
  const metadata = JSON.stringify({ source: {}, contract: {}, spec, storage, types: bundle.types, version });
  const text =
    heading(`${name}.contract`) +
    list("Messages", messages) +
    list("Events", events) +
    declarations.join("") +
    `\n${await versionOf(name)}` +
    `\nexport const ${name}Metadata = JSON.parse(${JSON.stringify(metadata)});\n`;
  await writeFile(`${generated}/${name}.ts`, text);
}

async function solidity(name) {
  const file = `${name}.abi.json`;
  const abi = JSON.parse(await readFile(`${artefacts}/${file}`, "utf8"));
  await writeFile(
    `${generated}/${name}.ts`,
    `${heading(file)}${await versionOf(name)}export const ${name}Abi = ${JSON.stringify(abi, null, 1)} as const;\n`,
  );
}

await mkdir(generated, { recursive: true });
await Promise.all([ink("market"), ink("registry"), solidity("titles")]);
