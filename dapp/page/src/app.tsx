// The page around the pages: masthead, state of the connection, foot.

import type { Status } from "@assay/client";
import { isAddress, isHash } from "@assay/client";
import { useEffect, useState } from "preact/hooks";
import { AccountDialog } from "./actions/accounts";
import { NetworkDialog, NetworkForm, indexInWords } from "./actions/network";
import { PostPage } from "./actions/post";
import { AccountPage } from "./pages/account";
import { DatasetPage } from "./pages/dataset";
import { Home } from "./pages/home";
import { JobPage } from "./pages/job";
import { Datasets, Jobs, Models, Operators, Search, Verifiers } from "./pages/lists";
import { ModelPage } from "./pages/model";
import { type Route, route, to } from "./router";
import { block, chosen, client, failure, index, isPassing, ready, retry, status, useIndex } from "./session";
import { recall, remember } from "./storage";
import { plain, short } from "./text";
import { signer } from "./wallet";
import { Empty, Failed, Waiting } from "./ui/states";

const sections = ["models", "datasets", "jobs", "operators", "verifiers"] as const;

/** To which section a place belongs. */
function sectionOf([first]: Route): string | undefined {
  if (first === "post") return "jobs";
  return sections.find((section) => section === first || section.slice(0, -1) === first);
}

export function App() {
  const [open, setOpen] = useState<"network" | "account">();
  const close = () => setOpen(undefined);
  const section = sectionOf(route.value);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <header class="masthead">
        <a class="wordmark" href="#/">
          <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.7" aria-hidden="true">
            <path d="M12 2l8 3v7c0 5-3.5 8.5-8 10-4.5-1.5-8-5-8-10V5z" />
            <path d="M8.3 16L12 7.5l3.7 8.5M9.7 13h4.6" />
          </svg>
          Assay
        </a>
        <nav aria-label="Records">
          <ul>
            {sections.map((name) => (
              <li key={name}>
                <a href={to(name)} aria-current={section === name ? "page" : undefined}>
                  {name[0]!.toUpperCase() + name.slice(1)}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="tools">
          <NetworkButton open={() => setOpen("network")} />
          <button type="button" class="button" onClick={() => setOpen("account")}>
            {signer.value ? (
              <>
                <span class="unseen">Account </span>
                {signer.value.name ? plain(signer.value.name).slice(0, 16) : short(signer.value.address)}
              </>
            ) : (
              "Account"
            )}
          </button>
        </div>
      </header>
      <Trouble />
      <NamedIndex />
      <main id="main" tabIndex={-1}>
        <Content />
      </main>
      <footer class="foot">
        <span>
          {indexInWords() ?? "Read from the chain by your browser; nothing stands in between."}{" "}
          {block.value ? <span class="number">Final block {block.value.number.toLocaleString("en-GB")}.</span> : null}
        </span>
        <Theme />
      </footer>
      {open === "network" ? <NetworkDialog close={close} /> : null}
      {open === "account" ? <AccountDialog close={close} /> : null}
    </>
  );
}

function skip(event: Event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

const tones: Record<Status["state"], string> = {
  connecting: "warn",
  connected: "good",
  lost: "bad",
  reset: "bad",
  closed: "",
};

function NetworkButton({ open }: { open: () => void }) {
  const { state } = status.value;
  const name = chosen.value ? plain(chosen.value.deployment.network) : "No network";
  return (
    <button type="button" class="button" onClick={open} data-status={state}>
      <span class={`dot ${tones[state]}`} aria-hidden="true" />
      <span class="unseen">Network: </span>
      <span class="long">{name.length > 22 ? `${name.slice(0, 21)}…` : name}</span>
      <span class="unseen">, {state}</span>
    </button>
  );
}

/** Said above the content while the connection is not what it should be. */
function Trouble() {
  const now = status.value;
  if (!client.value) return null;
  if (now.state === "lost") {
    return (
      <div class="notice" role="status">
        <p>The node is away ({plain(now.reason)}). What is shown is from before; the page tries again by itself.</p>
      </div>
    );
  }
  if (now.state === "reset") {
    return (
      <div class="notice" role="alert">
        <p>
          The node came back with another chain: these records are not on it. Choose the network anew with that chain’s
          deployment file.
        </p>
      </div>
    );
  }
  return null;
}

/** Said where the page's address has brought an index, which its reader may not know. */
function NamedIndex() {
  const { value: named } = index;
  if (!client.value || !named?.byAddress) return null;
  return (
    <div class="notice" role="status">
      <p>
        This page’s address names an index. {indexInWords()}{" "}
        <button type="button" class="plain" onClick={() => void useIndex("")}>
          Use none
        </button>
      </p>
    </div>
  );
}

function Content() {
  if (!ready.value) return <Waiting what="the list of networks" />;
  if (!chosen.value) {
    return (
      <>
        <header class="head">
          <h1>Choose a network</h1>
          <p class="lead">The records are on a chain. Say which, and the page reads them straight from a node of it.</p>
        </header>
        <NetworkForm done={() => undefined} />
      </>
    );
  }
  if (!client.value) {
    if (failure.value) {
      return (
        <>
          <header class="head">
            <h1>No connection</h1>
          </header>
          <Failed error={failure.value} again={() => void retry()} what={plain(chosen.value.deployment.url)} />
          <p class="empty">
            {isPassing(failure.value) ? "The page tries again by itself. " : ""}Or choose another network, by the button
            above.
          </p>
        </>
      );
    }
    return <Waiting what={`from ${plain(chosen.value.deployment.url)}`} />;
  }
  return <Place route={route.value} />;
}

function Place({ route }: { route: Route }) {
  const [first, second, third] = route;
  const number = (text: string | undefined) =>
    text !== undefined && /^\d{1,18}$/.test(text) ? BigInt(text) : undefined;
  const id = second?.toLowerCase();
  useEffect(() => {
    document.title = first === undefined ? "Assay" : `${first} ${second ? short(second) : ""} · Assay`;
  }, [first, second]);
  if (first === undefined) return <Home />;
  switch (first) {
    case "models":
      return <Models />;
    case "datasets":
      return <Datasets />;
    case "jobs":
      return <Jobs />;
    case "operators":
      return <Operators />;
    case "verifiers":
      return <Verifiers />;
    case "search":
      if (second !== undefined) return <Search text={second} />;
      break;
    case "model":
      if (id && isHash(id)) return <ModelPage key={id} id={id as `0x${string}`} />;
      break;
    case "dataset":
      if (id && isHash(id)) return <DatasetPage key={id} id={id as `0x${string}`} />;
      break;
    case "job": {
      const job = number(second);
      if (job !== undefined) return <JobPage key={second} id={job} />;
      break;
    }
    case "account":
    case "operator":
    case "verifier":
      if (id && isAddress(id)) return <AccountPage key={id} address={id as `0x${string}`} />;
      break;
    case "post":
      return <PostPage like={second === "like" ? number(third) : undefined} />;
  }
  return (
    <>
      <header class="head">
        <h1>There is no such page</h1>
      </header>
      <Empty>
        The address names no record. Go to <a href="#/">the first page</a>, and search there.
      </Empty>
    </>
  );
}

type Choice = "auto" | "light" | "dark";

function Theme() {
  const [theme, setTheme] = useState<Choice>(() => recall<Choice>("theme", "auto"));
  useEffect(() => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    remember("theme", theme);
  }, [theme]);
  return (
    <label class="inline">
      Colours{" "}
      <select value={theme} onChange={(event) => setTheme(event.currentTarget.value as Choice)}>
        <option value="auto">as the system has them</option>
        <option value="light">light</option>
        <option value="dark">dark</option>
      </select>
    </label>
  );
}
