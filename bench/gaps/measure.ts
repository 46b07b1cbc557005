/** One fault while somebody asks: how long nothing came, and what name servers said. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Figure } from "../figure.ts";
import type { Ground, SiteFault } from "./faults.ts";
import { type Asking, namesSeen, seenBy } from "./watch.ts";

const LOOK_MS = 200;
/** Longer than steering, a TTL and a resolver's second try together. */
const HOLD_MS = 30_000;
/** The return is damped: so long the site's addresses stay away. */
const AFTER_MS = 30_000;

interface Measuring {
  readonly ground: Ground;
  readonly fault: SiteFault;
  readonly asking: Asking;
  readonly up: () => Promise<void>;
  readonly say: (line: string) => void;
}

/** Makes a fault once, takes it back, and says what was seen meanwhile. */
export async function measure({ ground, fault, asking, up, say }: Measuring): Promise<readonly Figure[]> {
  await calm(asking);
  say(`${fault.says} …`);
  const isElsewhere = await fault.podsElsewhere?.(ground);
  const from = Date.now();
  await fault.make(ground);
  const moved = isElsewhere && (await secondsUntil(isElsewhere, from));
  await sleep(from + HOLD_MS - Date.now());
  const lost = asking.since(from);
  const names = namesSeen(asking.answersSince(from), ground.context.site.network.external, from);
  const back = Date.now();
  await (fault.undo ? fault.undo(ground) : up());
  await sleep(AFTER_MS);
  const returned = seenBy(asking.since(back), "first", back);
  const [all, first] = [seenBy(lost, "all", from), seenBy(lost, "first", from)];
  for (const { troubles } of [first, returned]) if (troubles.length > 0) say(`  ${troubles.join("; ")}`);
  const { empty } = namesSeen(asking.answersSince(from), ground.context.site.network.external, from);
  const { says, goal } = fault;
  const seconds = (figure: string, value: number, wanted: string): Figure => ({
    figure,
    value,
    unit: "s",
    goal: wanted,
  });
  return [
    seconds(`${says}: longest without a page`, all.longest, goal),
    seconds("  a client that tries one address alone fails for", first.lastFailure, ""),
    seconds("  its return: that client's longest wait for a page", returned.longest, "0"),
    ...(moved === undefined ? [] : [seconds("  its pods are ready elsewhere after", moved, "≤ 15")]),
    ...(fault.losesSite
      ? [seconds("  the others' servers leave the site out after", names.leftOut, "≤ 6")]
      : []),
    ...(names.own > 0 && fault.losesSite
      ? [
          {
            figure: `  of its own ${names.own} answers, with itself alone`,
            value: names.alone,
            unit: "",
            goal: "0",
          },
        ]
      : []),
    { figure: "  answers without an address", value: empty, unit: "", goal: "0" },
  ];
}

/** NaN where it does not come about while the fault lasts. */
async function secondsUntil(holds: () => Promise<boolean>, from: number): Promise<number> {
  while (Date.now() - from < HOLD_MS) {
    // An API that is silent for a moment is asked again.
    if (await holds().catch(() => false)) return (Date.now() - from) / 1000;
    await sleep(LOOK_MS);
  }
  return Number.NaN;
}

/** Until nobody has missed a page for ten seconds. */
async function calm(asking: Asking): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    const from = Date.now();
    await sleep(10_000);
    const { asked, failed } = seenBy(asking.since(from), "first", from);
    if (asked > 50 && failed === 0) return;
  }
  throw new Error("the lab does not come to rest");
}
