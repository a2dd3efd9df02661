// Reading from the chain inside a component: what is shown stays there while it is read again.

import type { Client } from "@assay/client";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { changes, client } from "./session";

/** What came of a read. */
export interface Read<T> {
  value: T | undefined;
  error: Error | undefined;
  /** Nothing to show yet. */
  waiting: boolean;
  again: () => void;
}

/**
 * Reads, and reads again when something changed on chain. `key` says what is read:
 * with another key, or another network, what was read before is dropped.
 */
export function useRead<T>(key: string, read: (client: Client) => Promise<T>, live = true): Read<T> {
  const connected = client.value;
  const version = live ? changes.value : 0;
  const [tries, setTries] = useState(0);
  const [state, setState] = useState<{ of: unknown; key: string; value?: T; error?: Error }>({ of: undefined, key: "" });
  const reading = useRef(read);
  reading.current = read;
  useEffect(() => {
    if (!connected) return;
    let dropped = false;
    const take = (result: { value?: T; error?: Error }) => {
      if (dropped) return;
      setState((before) => ({
        of: connected,
        key,
        ...result,
        // An error on the way does not take away what is there.
        ...(result.error && before.of === connected && before.key === key && before.value !== undefined
          ? { value: before.value }
          : {}),
      }));
    };
    reading.current(connected).then(
      (value) => take({ value }),
      (error: unknown) => take({ error: error instanceof Error ? error : new Error(String(error)) }),
    );
    return () => {
      dropped = true;
    };
  }, [connected, key, version, tries]);
  const again = useCallback(() => setTries((count) => count + 1), []);
  const current = state.of === connected && state.key === key;
  return {
    value: current ? state.value : undefined,
    error: current ? state.error : undefined,
    waiting: !current,
    again,
  };
}
