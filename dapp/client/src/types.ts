/** Everything that the library takes and gives. Imported for types alone. */
export type * from "./types/basic.js";
export type * from "./types/client.js";
export type * from "./types/functions.js";
export type * from "./types/market.js";
export type * from "./types/provenance.js";
export type * from "./types/registry.js";
export type * from "./types/transactions.js";
