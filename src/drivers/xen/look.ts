/** What one server is like now, for a person: its memory, and each machine with what differs from its plan. */
import { PanopticonError } from "#base/errors.ts";
import type { ObservedMachine } from "#ports/hypervisor.ts";
import type { Difference } from "./drift.ts";
import type { ServerFacts } from "./facts.ts";

export interface ServerLook {
  readonly name: string;
  /** Why it could not be looked at: nothing else is known then. */
  readonly trouble?: { readonly code: string; readonly message: string };
  readonly memory?: ServerMemory;
  /** The planned ones, then others of ours. */
  readonly machines: readonly MachineLook[];
  /** Domains that are none of this federation's site's. */
  readonly others: readonly { readonly name: string; readonly memoryMiB: number }[];
}

export interface ServerMemory {
  readonly totalMiB: number;
  readonly freeMiB: number;
  /** Undefined where xl does not say. */
  readonly dom0MiB: number | undefined;
}

export interface MachineLook {
  readonly name: string;
  /** `building`: xl is making its domain at this moment. `absent`: planned, and nothing of it is there. */
  readonly state: ObservedMachine["state"] | "paused" | "building" | "absent";
  /** What its domain has; missing where none is there. */
  readonly memoryMiB?: number;
  /** How often it crashed and was restarted since it was last created. */
  readonly crashes: number;
  readonly planned: boolean;
  readonly differences: readonly Difference[];
}

/** One machine by name, with its uuid as its file or the plan has it. */
export interface Looked extends ObservedMachine {
  readonly planned: boolean;
}

/** What the facts say. */
export function lookAt(
  name: string,
  facts: ServerFacts,
  machines: readonly (Looked | { readonly name: string; readonly state: "absent" })[],
  differences: readonly Difference[],
): ServerLook {
  const { totalMemoryMiB: totalMiB, freeMemoryMiB: freeMiB } = facts.info;
  const uuids = new Set(machines.flatMap((machine) => ("uuid" in machine ? [machine.uuid] : [])));
  return {
    name,
    memory: { totalMiB, freeMiB, dom0MiB: facts.dom0MiB },
    machines: machines.map((machine) => ({
      ...machineLook(facts, machine),
      differences: differences.filter((each) => each.machine === machine.name),
    })),
    others: facts.domains
      .filter(({ uuid }) => !uuids.has(uuid))
      .map((domain) => ({ name: domain.name, memoryMiB: domain.memoryMiB })),
  };
}

function machineLook(
  facts: ServerFacts,
  machine: Looked | { readonly name: string; readonly state: "absent" },
): Omit<MachineLook, "differences"> {
  const { name } = machine;
  if (machine.state === "absent") return { name, state: "absent", crashes: 0, planned: true };
  const domain = facts.domains.find(({ uuid }) => uuid === machine.uuid);
  const now = domain?.state;
  return {
    name,
    state: now === "paused" || now === "building" ? now : machine.state,
    ...(domain && { memoryMiB: domain.memoryMiB }),
    crashes: facts.ends.get(name)?.crashes ?? 0,
    planned: machine.planned,
  };
}

/** A server that could not be looked at; what is no error of ours is passed on. */
export function unseen(name: string, error: unknown): ServerLook {
  if (!(error instanceof PanopticonError)) throw error;
  const [problem] = error.problems;
  const trouble = { code: problem?.code ?? "", message: problem?.message ?? error.message };
  return { name, trouble, machines: [], others: [] };
}
