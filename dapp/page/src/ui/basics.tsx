// Hashes, accounts, amounts, names, times: the small things that every page shows.

import type { Address, Amount as Units, Node, Seconds } from "@assay/client";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { to } from "../router";
import { chainNow, token } from "../session";
import { bytes, date, duration, followable, plain, short } from "../text";

/** A stranger's text: everything visible, and kept from turning what stands beside it. */
export function Name({ text, otherwise = "without a name" }: { text: string | undefined; otherwise?: string }) {
  if (!text) return <span class="quiet">{otherwise}</span>;
  return <bdi>{plain(text)}</bdi>;
}

/** Copies a text and says so. */
export function Copy({ text, what }: { text: string; what: string }) {
  const [state, setState] = useState<"idle" | "done" | "failed">("idle");
  useEffect(() => {
    if (state === "idle") return;
    const timer = setTimeout(() => setState("idle"), 1_600);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setState("done");
    } catch {
      setState("failed");
    }
  };
  const label = state === "done" ? "Copied" : state === "failed" ? "Not copied: the browser refused" : `Copy ${what}`;
  return (
    <button type="button" class="copy" onClick={copy} aria-label={label} title={label}>
      <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" aria-hidden="true">
        {state === "done" ? (
          <path d="M2.5 8.5l3.5 3.5 7.5-8" />
        ) : state === "failed" ? (
          <path d="M3 3l10 10M13 3L3 13" />
        ) : (
          <>
            <rect x="5.5" y="5.5" width="8" height="8" rx="1" />
            <path d="M10.5 3.5v-1h-8v8h1" />
          </>
        )}
      </svg>
      <span class="unseen" role="status">
        {state === "idle" ? "" : label}
      </span>
    </button>
  );
}

/** A hash or address, shortened, whole in the tooltip, copyable. */
export function Hex({ value, what = "hash", href }: { value: string; what?: string; href?: string }) {
  const code = <code title={value}>{short(value)}</code>;
  return (
    <span class="hex">
      {href ? <a href={href}>{code}</a> : code}
      <Copy text={value} what={what} />
    </span>
  );
}

/** An account, which leads to its page. */
export function Account({ address }: { address: Address }) {
  return <Hex value={address} what="address" href={to("account", address)} />;
}

/** The address of a record's page, if it has one here. */
export function nodeAddress(node: Node | { type: "Operator"; value: Address }, market: Address): string | undefined {
  switch (node.type) {
    case "Model":
      return to("model", node.value);
    case "Dataset":
      return to("dataset", node.value);
    case "Operator":
      return to("account", node.value);
    case "Job":
      return node.value.market === market ? to("job", node.value.job) : undefined;
  }
}

/** An amount in the chain's unit. */
export function Amount({ value }: { value: Units }) {
  return <span class="number">{token.value?.format(value) ?? ""}</span>;
}

/** A licence expression, which is a stranger's text as well. */
export function Licence({ text }: { text: string }) {
  return text ? <bdi>{plain(text)}</bdi> : <span class="quiet">no licence on record</span>;
}

/** A location: a link where it is safe to follow, text otherwise. */
export function Location({ url }: { url: string }) {
  const safe = followable(url);
  if (!safe) {
    return (
      <span class="mono">
        <bdi>{plain(url)}</bdi>
      </span>
    );
  }
  return (
    <a
      class="mono"
      href={safe}
      rel="noopener noreferrer nofollow external"
      target="_blank"
      referrerpolicy="no-referrer"
    >
      <bdi>{plain(url)}</bdi>
    </a>
  );
}

/** A moment of chain time. */
export function When({ at }: { at: Seconds }) {
  const time = Number(at) * 1000;
  const whole = Number.isFinite(time) && Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : undefined;
  return <time dateTime={whole}>{date(at)}</time>;
}

/** How long until a deadline by chain time, counting down. */
export function Countdown({ deadline, past = "has passed" }: { deadline: Seconds; past?: string }) {
  const [left, setLeft] = useState(() => Number(deadline) - chainNow());
  useEffect(() => {
    const tick = () => setLeft(Number(deadline) - chainNow());
    tick();
    const timer = setInterval(tick, 1_000);
    return () => clearInterval(timer);
  }, [deadline]);
  if (left < 0) return <span class="number">{`${past} ${duration(-left)} ago`}</span>;
  return (
    <span class="number" data-countdown>
      {`${duration(left)} left`}
    </span>
  );
}

/** A size in bytes. */
export function Bytes({ count }: { count: bigint | number }) {
  return (
    <span class="number" title={`${count.toLocaleString("en-GB")} bytes`}>
      {bytes(count)}
    </span>
  );
}

/** Labels with their values. A pair without a value is left out. */
export function Facts({ children }: { children: [label: string, value: ComponentChildren][] }) {
  return (
    <dl class="facts">
      {children
        .filter(([, value]) => value !== undefined && value !== null && value !== false)
        .map(([label, value]) => (
          <>
            <dt key={`t${label}`}>{label}</dt>
            <dd key={`d${label}`}>{value}</dd>
          </>
        ))}
    </dl>
  );
}
