import { type InkMetadata, getInkDynamicBuilder, getInkLookup } from "@polkadot-api/ink-contracts";
import { type LookupEntry, getLookupCodecBuilder } from "@polkadot-api/metadata-builders";

const camel = (name: string) => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const isEnum = (value: object): boolean =>
  "type" in value &&
  typeof value.type === "string" &&
  Object.keys(value).every((key) => key === "type" || key === "value");

/** What a codec gave in the library's form: camel case, and variants without fields as plain strings. */
export function tidy(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(tidy);
  if (isEnum(value)) {
    const { type, value: inner } = value as { type: string; value?: unknown };
    return inner === undefined ? type : { type, value: tidy(inner) };
  }
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [camel(name), tidy(field)]));
}

/** The way back, for which the type must be known. */
function untidy(value: any, entry: LookupEntry): unknown {
  switch (entry.type) {
    case "struct":
      return Object.fromEntries(
        Object.entries(entry.value).map(([name, type]) => [name, untidy(value[camel(name)], type)]),
      );
    case "enum": {
      if (typeof value === "string") return { type: value, value: undefined };
      const variant = entry.value[value.type as string];
      if (!variant || variant.type === "void") return value;
      return {
        type: value.type,
        value: untidy(
          value.value,
          variant.type === "lookupEntry" ? variant.value : (variant as unknown as LookupEntry),
        ),
      };
    }
    case "option":
      return value === undefined ? undefined : untidy(value, entry.value);
    case "tuple":
      return entry.value.map((type, index) => untidy(value[index], type));
    case "sequence":
      return value instanceof Uint8Array ? value : value.map((item: unknown) => untidy(item, entry.value));
    default:
      return value;
  }
}

/** How one message is written and its answer read. */
export interface MessageCodec {
  encode(args: Record<string, unknown>): Uint8Array;
  /** The answer; nothing if the contract does not know the message. */
  decode(data: Uint8Array): { answer: unknown } | undefined;
}

/** Messages and events of an ink! contract by its metadata. */
export class InkContract {
  private readonly lookup;
  private readonly builder;
  private readonly build;
  private readonly codecs = new Map<string, MessageCodec>();

  constructor(private readonly metadata: InkMetadata) {
    this.lookup = getInkLookup(metadata);
    this.builder = getInkDynamicBuilder(this.lookup);
    this.build = getLookupCodecBuilder(this.lookup);
  }

  message(label: string): MessageCodec {
    const known = this.codecs.get(label);
    if (known) return known;
    const spec = this.metadata.spec.messages.find((message) => message.label === label);
    if (!spec) throw new Error(`the contract has no message ${label}`);
    const codec = this.builder.buildMessage(label);
    const made: MessageCodec = {
      encode: (args) =>
        codec.call.enc(
          Object.fromEntries(
            spec.args.map((arg) => [arg.label, untidy(args[camel(arg.label)], this.lookup(arg.type.type))]),
          ) as never,
        ),
      // ink! wraps every answer in Result<_, LangError>.
      decode: (data) => {
        const result = codec.value.dec(data) as { success: boolean; value: unknown };
        return result.success ? { answer: tidy(result.value) } : undefined;
      },
    };
    this.codecs.set(label, made);
    return made;
  }

  /** A value of a type of the contract, which its path ends with. */
  encode(type: string, value: unknown): Uint8Array {
    const found = this.metadata.types.find((one) => one.type.path?.at(-1) === type);
    if (!found) throw new Error(`the contract has no type ${type}`);
    return this.build(found.id).enc(untidy(value, this.lookup(found.id)));
  }

  /** The event with these topics; nothing if the contract has none such, as a later version may. */
  event(topics: string[], data: Uint8Array): { name: string; fields: Record<string, unknown> } | undefined {
    const codec = topics[0] === undefined ? null : this.builder.buildEvent(topics[0]);
    if (!codec) return undefined;
    const event = codec.dec(data);
    return { name: event.type, fields: tidy(event.value) as Record<string, unknown> };
  }
}
