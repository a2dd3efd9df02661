// Where the reader is, kept in the part of the address after `#`, so that the
// page works from any folder of any server of static files.

import { signal } from "@preact/signals";

/** A place in the page: `#/model/0x12` is `["model", "0x12"]`. */
export type Route = string[];

/** What `#/…` of an address says. */
export function parse(hash: string): Route {
  const parts = hash.replace(/^#\/?/, "").split("/");
  return parts
    .filter((part) => part !== "")
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
}

/** The address of a place. */
export function to(...parts: (string | number | bigint)[]): string {
  return `#/${parts.map((part) => encodeURIComponent(String(part))).join("/")}`;
}

export const route = signal<Route>(parse(globalThis.location?.hash ?? ""));

/** Goes to a place. */
export function go(...parts: (string | number | bigint)[]): void {
  location.hash = to(...parts);
}

/** Follows the address; call it once. */
export function follow(): void {
  addEventListener("hashchange", () => {
    route.value = parse(location.hash);
    scrollTo(0, 0);
    // A reader of the screen is told where it is now.
    document.getElementById("main")?.focus({ preventScroll: true });
  });
}
