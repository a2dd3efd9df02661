// The states of a job in plain words; docs/market.md is the law.

import type { JobState } from "@assay/client";

interface Words {
  label: string;
  means: string;
  tone: "" | "good" | "warn" | "bad";
}

export const states: Record<JobState, Words> = {
  Open: { label: "Open", means: "Waits for verifiers to enlist and for an operator to claim it.", tone: "" },
  Claimed: { label: "Claimed", means: "An operator has locked its stake and trains.", tone: "" },
  Committed: {
    label: "Committed",
    means: "The operator has committed to all of its work. Secrets are being revealed for the draw.",
    tone: "",
  },
  Drawn: { label: "Drawn", means: "Segments and verifiers are drawn. The operator opens what was drawn.", tone: "" },
  Opened: { label: "Opened", means: "The drawn verifiers replay their segments and seal what they found.", tone: "" },
  Attested: { label: "Attested", means: "All seals are in. The operator reveals its traces.", tone: "" },
  Window: { label: "Open to challenge", means: "Anybody with a bond may challenge any segment.", tone: "" },
  Disputed: { label: "Disputed", means: "A panel replays the disputed segment and seals what it found.", tone: "warn" },
  Ruling: { label: "Ruling", means: "The panel reveals what it found.", tone: "warn" },
  Final: { label: "Final", means: "Done: everybody is paid and the model is registered.", tone: "good" },
  Failed: {
    label: "Failed",
    means: "The operator was convicted or stayed away, and lost its stake. The client has its money back.",
    tone: "bad",
  },
  Void: {
    label: "Void",
    means: "Nobody could decide or check. The client has its money back, no stake is lost.",
    tone: "warn",
  },
  Cancelled: { label: "Cancelled", means: "Nobody did it, or the client took it back.", tone: "warn" },
};

/** The way of a job to which nothing happens. */
export const usualWay: JobState[] = ["Open", "Claimed", "Committed", "Drawn", "Opened", "Attested", "Window", "Final"];

export function isOver(state: JobState): boolean {
  return state === "Final" || state === "Failed" || state === "Void" || state === "Cancelled";
}

export function StateTag({ state }: { state: JobState }) {
  const { label, tone } = states[state];
  return <span class={`tag ${tone}`}>{label}</span>;
}
