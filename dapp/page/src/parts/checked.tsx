// How a model was checked, in words and figures.

import type { Check, CheckedSegment, Hash, Verification } from "@assay/client";
import { useRead } from "../read";
import { to } from "../router";
import { count, odds, percent } from "../text";
import { Account, Hex } from "../ui/basics";
import { Empty, Part, Show } from "../ui/states";

/** What a check means, and whether it speaks for the model. */
export const checks: Record<Check, { words: string; tone: "good" | "warn" | "bad" | "" }> = {
  Drawn: { words: "Drawn, not opened yet", tone: "" },
  Opened: { words: "Waits for its verifier", tone: "" },
  Sealed: { words: "Sealed", tone: "" },
  Passed: { words: "Replayed, the same", tone: "good" },
  Mismatched: { words: "The seals do not match", tone: "bad" },
  Unserved: { words: "Not served", tone: "warn" },
  Upheld: { words: "A panel found for the operator", tone: "good" },
  Refuted: { words: "A panel found it false", tone: "bad" },
  Idle: { words: "The verifier stayed away", tone: "warn" },
  Challenged: { words: "Challenged, a panel decides", tone: "warn" },
  Undecided: { words: "Two panels could not decide", tone: "warn" },
};

/** Most marks in the strip of segments; beyond, one stands for several. */
const mostMarks = 240;

/** All segments as a strip, those that were looked at in colour. */
export function Strip({ segments, slots }: { segments: number; slots: Pick<CheckedSegment, "segment" | "check">[] }) {
  const size = Math.max(1, Math.ceil(segments / mostMarks));
  const tones = new Map<number, string>();
  for (const { segment, check } of slots) {
    const mark = Math.floor(segment / size);
    const tone = checks[check].tone || "warn";
    if (tones.get(mark) !== "bad") tones.set(mark, tone);
  }
  const label = `${count(segments, "segment")}, of which ${slots.length} looked at: ${slots
    .map(({ segment, check }) => `${segment} ${checks[check].words.toLowerCase()}`)
    .join("; ")}`;
  return (
    <div class="meter" role="img" aria-label={label}>
      {Array.from({ length: Math.ceil(segments / size) }, (_, mark) => (
        <i key={mark} class={tones.get(mark) ?? ""} />
      ))}
    </div>
  );
}

interface SlotsProps {
  slots: Pick<CheckedSegment, "slot" | "segment" | "verifier" | "check" | "why" | "verifierSeal" | "trace">[];
  /** With what was sealed and revealed. */
  seals?: boolean;
}

/** The drawn and challenged segments with who looked at each. */
export function Slots({ slots, seals = false }: SlotsProps) {
  return (
    <div class="wide" role="group" aria-label="Table" tabindex={0}>
      <table>
        <thead>
          <tr>
            <th>Segment</th>
            <th>Found</th>
            <th>By</th>
            {seals ? <th>Verifier’s seal</th> : null}
            {seals ? <th>Operator’s trace</th> : null}
          </tr>
        </thead>
        <tbody>
          {slots.map(({ slot, segment, verifier, check, why, verifierSeal, trace }) => (
            <tr key={slot}>
              <td class="number">
                {segment}
                {why === "challenged" ? <span class="quiet"> challenged</span> : null}
              </td>
              <td>
                <span class={`tag ${checks[check].tone}`}>{checks[check].words}</span>
              </td>
              <td>
                <Account address={verifier} />
              </td>
              {seals ? <td>{verifierSeal ? <Hex value={verifierSeal} what="seal" /> : "awaited"}</td> : null}
              {seals ? <td>{trace ? <Hex value={trace} what="trace root" /> : "not revealed"}</td> : null}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Checked({ model }: { model: Hash }) {
  const read = useRead(`verification ${model}`, (client) => client.verification(model));
  return (
    <Part id="checked" title="How it was checked">
      <Show read={read} what="the checks">
        {(found) =>
          found ? <Found found={found} /> : <Empty>Nothing is on record of how this model was checked.</Empty>
        }
      </Show>
    </Part>
  );
}

function Found({ found }: { found: NonNullable<Verification> }) {
  const { segments, drawn, confirmed, slots, verifiers, seed } = found;
  return (
    <>
      <p>
        The training was cut into {count(segments, "segment")}. When the operator had committed to all of them,{" "}
        {drawn === 1 ? "one was" : `${drawn} were`} drawn by a seed that nobody could know before, and{" "}
        {verifiers.length > 0 ? count(verifiers.length, "verifier") : "verifiers"} replayed {confirmed} of them and got
        the same, bit for bit. <a href={to("job", found.job)}>The job</a> has the seals.
      </p>
      {slots.length > 0 ? <Strip segments={segments} slots={slots} /> : null}
      {slots.length > 0 ? <Slots slots={slots} /> : null}
      {seed ? (
        <p class="quiet">
          Seed of the draw: <Hex value={seed} what="seed" />
        </p>
      ) : null}
      <Odds found={found} />
    </>
  );
}

function Odds({ found }: { found: NonNullable<Verification> }) {
  if (found.odds.length === 0) return null;
  return (
    <>
      <h3 class="space">Could a cheat have gone unseen?</h3>
      <p class="quiet">
        The odds that none of the false segments met an honest verifier: by the draw alone; if {percent(found.bribedBp)}{" "}
        of the verifiers’ weight were bribed; and if such a cheat also hid its segments from the honest and had the dice
        thrown twice.
      </p>
      <div class="wide" role="group" aria-label="Table" tabindex={0}>
        <table>
          <thead>
            <tr>
              <th>False segments</th>
              <th class="amount">By the draw</th>
              <th class="amount">Bribed</th>
              <th class="amount">All it can do</th>
            </tr>
          </thead>
          <tbody>
            {found.odds.map(({ falseSegments, unseen, unseenBribed, escapes }) => (
              <tr key={falseSegments}>
                <td class="number">
                  {falseSegments} of {found.segments}
                </td>
                <td class="amount">{odds(unseen)}</td>
                <td class="amount">{odds(unseenBribed)}</td>
                <td class="amount">{odds(escapes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
