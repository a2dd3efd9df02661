// What the page remembers in the reader's browser. Nothing breaks where that is not allowed.

const prefix = "assay.";

/** What was remembered under a name, or `otherwise`. */
export function recall<T>(name: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(prefix + name);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

/** Remembers; says whether that was possible. */
export function remember(name: string, value: unknown): boolean {
  try {
    localStorage.setItem(prefix + name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** Forgets. */
export function forget(name: string): void {
  try {
    localStorage.removeItem(prefix + name);
  } catch {
    // Nothing can be remembered here, so there is nothing to forget.
  }
}
