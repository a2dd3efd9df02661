// Choosing the network: from a list, or by a node's URL and the file that says where the contracts are.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type Choice, addNetwork, choices, choose, chosen, index, removeNetwork, status, useIndex } from "../session";
import { plain, short } from "../text";
import { Dialog } from "../ui/dialog";
import { Problem } from "../ui/states";
import { toError } from "../errors";

/** The networks to choose from, and a form for another. */
export function NetworkForm({ done }: { done: () => void }) {
  const pick = (choice: Choice) => {
    void choose(choice);
    done();
  };
  return (
    <>
      {choices.value.length > 0 ? (
        <ul class="bare choices">
          {choices.value.map((choice) => {
            const { deployment } = choice;
            const current = choice === chosen.value;
            return (
              <li key={`${deployment.genesis} ${deployment.market.address} ${deployment.url}`}>
                <button type="button" class="button" aria-pressed={current} onClick={() => pick(choice)}>
                  {plain(deployment.network)} <span class="quiet mono">{plain(deployment.url)}</span>
                  {current ? <span class="tag good">chosen</span> : null}
                </button>
                {choice.own && !current ? (
                  <button type="button" class="plain" onClick={() => removeNetwork(choice)}>
                    Forget
                  </button>
                ) : null}
              </li>
            );
          })}
        </ul>
      ) : (
        <p>This page was published without a list of networks. Add yours:</p>
      )}
      <details open={choices.value.length === 0}>
        <summary>Another network</summary>
        <Another added={pick} />
      </details>
    </>
  );
}

/** A field for a URL, with what is to be said of it below. */
function UrlField({
  label,
  name,
  example,
  value,
  change,
  children,
}: {
  label: string;
  name: string;
  example: string;
  value: string;
  change: (value: string) => void;
  children: ComponentChildren;
}) {
  return (
    <label>
      {label}
      <input
        type="text"
        class="mono"
        name={name}
        value={value}
        placeholder={example}
        autocomplete="off"
        spellcheck={false}
        aria-describedby={`${name}-help`}
        onInput={(event) => change(event.currentTarget.value)}
      />
      <span id={`${name}-help`} class="quiet">
        {children}
      </span>
    </label>
  );
}

function Another({ added }: { added: (choice: Choice) => void }) {
  const [url, setUrl] = useState("");
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string>();
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        try {
          added(addNetwork(text, url.trim()));
          setText("");
          setUrl("");
        } catch (error) {
          setProblem(toError(error).message);
        }
      }}
    >
      <UrlField
        label="A node’s URL"
        name="url"
        example="wss://…"
        value={url}
        change={(value) => {
          setUrl(value);
          setProblem(undefined);
        }}
      >
        Left out: the one in the deployment file.
      </UrlField>
      <label>
        Deployment file
        <textarea
          class="mono"
          name="deployment"
          rows={5}
          required
          spellcheck={false}
          value={text}
          aria-describedby="deployment-help"
          onInput={(event) => {
            setText(event.currentTarget.value);
            setProblem(undefined);
          }}
        />
        <span id="deployment-help" class="quiet">
          What <code>assay deploy</code> wrote to deployment.json: it says where the contracts are. Paste it, or choose
          it:
        </span>
      </label>
      <input
        type="file"
        accept="application/json,.json"
        aria-label="Deployment file"
        onChange={async (event) => {
          const file = event.currentTarget.files?.[0];
          if (!file) return;
          setProblem(undefined);
          try {
            setText(await file.text());
          } catch {
            setProblem("The file could not be read.");
          }
        }}
      />
      <Problem text={problem} />
      <p class="actions">
        <button type="submit" class="button main">
          Connect
        </button>
      </p>
    </form>
  );
}

/** What is to be said of the index. */
export function indexInWords(): string | undefined {
  const { value: used } = index;
  if (!used) return undefined;
  const where = plain(used.url);
  if (!used.status) return `The index at ${where} has not been asked yet.`;
  return used.status.used
    ? `Lists, search, lineage and history come from the index at ${where}; all else is read from the chain.`
    : `The index at ${where} is not used: ${plain(used.status.reason)}. Everything is read from the chain.`;
}

/** Which index to ask. */
function IndexForm({ done }: { done: () => void }) {
  const current = index.value?.url ?? "";
  const [url, setUrl] = useState(current);
  const [problem, setProblem] = useState<string>();
  const use = (url: string) => useIndex(url).then(done, (error: unknown) => setProblem(toError(error).message));
  return (
    <details open={current !== ""}>
      <summary>Index</summary>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void use(url.trim());
        }}
      >
        <UrlField
          label="An index’s URL"
          name="index"
          example="https://…"
          value={url}
          change={(value) => {
            setUrl(value);
            setProblem(undefined);
          }}
        >
          {indexInWords() ??
            "Not needed. An index (assay index run) answers faster and remembers what a node forgets, but you take its word for it."}
        </UrlField>
        <Problem text={problem} />
        <p class="actions">
          <button type="submit" class="button">
            Use this index
          </button>
          {current !== "" ? (
            <button type="button" class="button" onClick={() => void use("")}>
              Use none
            </button>
          ) : null}
        </p>
      </form>
    </details>
  );
}

export function NetworkDialog({ close }: { close: () => void }) {
  const choice = chosen.value;
  return (
    <Dialog title="Network" close={close}>
      {choice ? (
        <p class="quiet">
          {status.value.state === "connected" ? "Connected to" : "Chosen:"} {plain(choice.deployment.network)}, genesis{" "}
          <code>{short(choice.deployment.genesis)}</code>
        </p>
      ) : null}
      <NetworkForm done={close} />
      {choice ? <IndexForm key={index.value?.url} done={close} /> : null}
    </Dialog>
  );
}
