// Reading from the chain inside a component: what is shown stays there while it is read again.

import type { Client } from "@assay/client";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { changes, client } from "./session";

/** What came of a read. */
export interface Read<T> {
  value: T | undefined;
  /** Whether `value` is what was read: what is not on record is `undefined`, too. */
  there: boolean;
  error: Error | undefined;
  again: () => void;
}

interface State<T> {
  /** The client and the key that it was read with. */
  of: unknown;
  key: string;
  there: boolean;
  value?: T;
  error?: Error;
}

/**
 * Reads, and reads again when something changed on chain. `key` says what is read:
 * with another key, or another network, what was read before is dropped.
 */
export function useRead<T>(key: string, read: (client: Client) => Promise<T>, live = true): Read<T> {
  const connected = client.value;
  const version = live ? changes.value : 0;
  const [tries, setTries] = useState(0);
  const [state, setState] = useState<State<T>>({ of: undefined, key: "", there: false });
  const reading = useRef(read);
  reading.current = read;
  useEffect(() => {
    if (!connected) return;
    let dropped = false;
    const here = { of: connected, key };
    reading.current(connected).then(
      (value) => {
        if (!dropped) setState({ ...here, there: true, value });
      },
      (reason: unknown) => {
        if (dropped) return;
        const error = reason instanceof Error ? reason : new Error(String(reason));
        // An error on the way does not take away what is there.
        setState((before) =>
          before.of === connected && before.key === key ? { ...before, error } : { ...here, there: false, error },
        );
      },
    );
    return () => {
      dropped = true;
    };
  }, [connected, key, version, tries]);
  const again = useCallback(() => setTries((count) => count + 1), []);
  const current = state.of === connected && state.key === key;
  return {
    value: current ? state.value : undefined,
    there: current && state.there,
    error: current ? state.error : undefined,
    again,
  };
}
