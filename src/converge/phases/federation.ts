import type { Phase } from "../phase.ts";
import { stepsLeft } from "../steps-left.ts";

/** Resources, rights, the fence, the crown where it belongs, and the agents. */
export const federation: Phase = {
  name: "federation",
  title: "Federation",
  concurrency: 1,
  changes: (context) => stepsLeft(context, context.federation?.installs ?? []),
};

/** What the steps before have brought about: agents that run, a hub that hears them. */
export const membership: Phase = {
  name: "membership",
  title: "Membership",
  concurrency: 1,
  changes: (context) => stepsLeft(context, context.federation?.joins ?? []),
};
