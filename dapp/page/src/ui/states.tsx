// What is shown when there is nothing to show yet, or at all, or when something went wrong.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Read } from "../read";
import { sentence } from "../text";

/** Nothing here, and what could be done about it. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

/** Something is being fetched. */
export function Waiting({ what }: { what: string }) {
  return (
    <p class="waiting" role="status">
      Reading {what} …
    </p>
  );
}

/** What went wrong, and a way on. */
export function Failed({ error, again, what }: { error: Error; again?: (() => void) | undefined; what?: string }) {
  return (
    <div class="box bad" role="alert">
      <p>
        {what ? <strong>{what}. </strong> : null}
        {sentence(error.message)}
      </p>
      {again ? (
        <p>
          <button type="button" class="button" onClick={again}>
            Try again
          </button>
        </p>
      ) : null}
    </div>
  );
}

/** Why a form cannot be used as it is filled in. */
export function Problem({ text }: { text: string | undefined }) {
  if (!text) return null;
  return (
    <p class="problem" role="alert">
      {sentence(text)}
    </p>
  );
}

/** Shows what was read, or why there is nothing. */
export function Show<T>({
  read,
  what,
  children,
}: {
  read: Read<T>;
  what: string;
  children: (value: T) => ComponentChildren;
}) {
  if (read.there) {
    return (
      <>
        {children(read.value as T)}
        {read.error ? (
          <Failed error={read.error} again={read.again} what={`The newest ${what} could not be read`} />
        ) : null}
      </>
    );
  }
  if (read.error) return <Failed error={read.error} again={read.again} what={`Could not read ${what}`} />;
  return <Waiting what={what} />;
}

/** A part of a page with its heading. */
export function Part({ id, title, children }: { id: string; title: string; children: ComponentChildren }) {
  return (
    <section class="part" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

/** Newer and older pages of a list. */
export function Pager({
  offset,
  size,
  total,
  go,
}: {
  offset: number;
  size: number;
  total: number;
  go: (offset: number) => void;
}) {
  if (total <= size && offset === 0) return null;
  return (
    <nav class="pager" aria-label="Pages">
      <button type="button" class="button" disabled={offset === 0} onClick={() => go(Math.max(0, offset - size))}>
        Newer
      </button>
      <span class="quiet number">
        {offset + 1} to {Math.min(total, offset + size)} of {total.toLocaleString("en-GB")}
      </span>
      <button type="button" class="button" disabled={offset + size >= total} onClick={() => go(offset + size)}>
        Older
      </button>
    </nav>
  );
}

/** Where a reader is in a list. */
export function usePage(size: number) {
  const [offset, go] = useState(0);
  return { offset, size, go };
}
