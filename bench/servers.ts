/**
 * What `apply --dry-run` costs a server: connections, commands, time and processor
 * time of this box, for more and more servers. The servers are recorded: real
 * sshd's, behind which nothing runs, show what a real dom0 printed. So the figures
 * are those of our side and of SSH, not of xl.
 */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dryRun, everyOneDrifted } from "../test/servers/dry-run.ts";
import { openRecordedServers } from "../test/servers/ground.ts";
import type { Figure } from "./figure.ts";

const SERVERS = [1, 2, 5, 10];
const ROUNDS = 3;

export async function serversBench(say: (line: string) => void): Promise<readonly Figure[]> {
  say("servers: recorded ones (real sshd's that show what a real dom0 printed; no Xen runs)");
  const figures: Figure[] = [];
  const costs: Cost[] = [];
  for (const servers of SERVERS) {
    say(`servers: ${servers} …`);
    const cost = await costOf(servers);
    costs.push(cost);
    figures.push(...figuresOf(servers, cost));
  }
  return [...figures, ...perServer(costs)];
}

interface Cost {
  readonly connections: number;
  readonly commands: number;
  readonly most: number;
  readonly seconds: number;
  /** Of `panopticon` and every ssh that it started. */
  readonly processorSeconds: number;
}

/** The median of some runs; counts are the same in each. */
async function costOf(servers: number): Promise<Cost> {
  const ground = await openRecordedServers({ servers, apart: everyOneDrifted(servers) });
  try {
    const runs: Cost[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const [started, before] = [performance.now(), childrenSeconds()];
      const asked = await dryRun(ground);
      const seconds = (performance.now() - started) / 1000;
      runs.push({ ...asked, seconds, processorSeconds: childrenSeconds() - before });
    }
    const [first] = runs;
    if (!first) throw new RangeError("no run");
    return {
      ...first,
      seconds: median(runs.map((run) => run.seconds)),
      processorSeconds: median(runs.map((run) => run.processorSeconds)),
    };
  } finally {
    await ground.close();
  }
}

function figuresOf(servers: number, cost: Cost): readonly Figure[] {
  const what = `apply --dry-run, ${servers} recorded server${servers === 1 ? "" : "s"}`;
  return [
    { figure: `${what}: connections`, value: cost.connections, unit: "", goal: `${servers}` },
    { figure: `${what}: commands`, value: cost.commands, unit: "", goal: "" },
    { figure: `${what}: commands at the same time`, value: cost.most, unit: "", goal: "≤ 8" },
    { figure: `${what}: until it ended`, value: cost.seconds, unit: "s", goal: "" },
    { figure: `${what}: processor time here`, value: cost.processorSeconds, unit: "s", goal: "" },
  ];
}

/** What one server more costs, by the fewest and the most. */
function perServer(costs: readonly Cost[]): readonly Figure[] {
  const [few, many] = [costs[0], costs.at(-1)];
  const more = (SERVERS.at(-1) ?? 1) - (SERVERS[0] ?? 0);
  if (!few || !many) return [];
  const each = (what: (cost: Cost) => number) => (what(many) - what(few)) / more;
  const what = `each server more, ${availableParallelism()} processors`;
  return [
    { figure: `${what}: connections`, value: each((cost) => cost.connections), unit: "", goal: "1" },
    { figure: `${what}: commands`, value: each((cost) => cost.commands), unit: "", goal: "" },
    { figure: `${what}: time`, value: each((cost) => cost.seconds), unit: "s", goal: "" },
    {
      figure: `${what}: processor time here`,
      value: each((cost) => cost.processorSeconds),
      unit: "s",
      goal: "",
    },
  ];
}

/** Processor time of all children that have ended and theirs, by proc(5): ticks are a hundredth of a second on Linux. */
function childrenSeconds(): number {
  const stat = readFileSync("/proc/self/stat", "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
