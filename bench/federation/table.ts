/** The figures in the order in which they are printed, each with the goal. */
import type { Size } from "./size.ts";

export interface Row {
  /** Under which the phases keep it. */
  readonly key: string;
  readonly figure: string;
  readonly unit: string;
  readonly goal: string;
}

const VERBS = ["create", "update", "delete"] as const;

export function rowsOf({ burst, large, away, missed, singles }: Size): readonly Row[] {
  const row = (key: string, figure: string, unit: string, goal = ""): Row => ({ key, figure, unit, goal });
  const rates = (label: string, count: number): readonly Row[] =>
    VERBS.map((verb) => row(`${label} ${verb}`, `burst of ${count} ${verb}s`, "/s", "10 × kubefed"));
  const costs = (label: string, count: number): readonly Row[] =>
    VERBS.flatMap((verb) => [
      row(
        `${label} ${verb} writes`,
        `hub's etcd writes per ${verb}, of ${count}`,
        "",
        verb === "create" ? "3" : "",
      ),
      row(
        `${label} ${verb} cpu`,
        `processor per ${verb}: controllers and the hub's API server`,
        "ms",
        "below kubefed",
      ),
      row(`${label} ${verb} all cpu`, `processor per ${verb}: and all API servers and stores`, "ms"),
    ]);
  const most = large.ours;
  return [
    row("single create p50", `one object made → seen in both members, p50 of ${singles}`, "ms", "20"),
    row("single create p99", "one object made → seen in both members, p99", "ms", "100"),
    row("single update p50", "one object changed → seen in both members, p50", "ms"),
    row("single update p99", "one object changed → seen in both members, p99", "ms"),
    row("changed p50", "a copy changed by hand → restored, p50", "ms", "10"),
    row("changed p99", "a copy changed by hand → restored, p99", "ms", "100"),
    row("deleted p50", "a copy deleted by hand → restored, p50", "ms", "10"),
    row("deleted p99", "a copy deleted by hand → restored, p99", "ms", "100"),
    ...rates("burst", burst),
    ...(most === undefined ? [] : rates("large", most)),
    row("missed healthy", `a member down, ${missed} creates: the other has them`, "s"),
    row("missed returned", `after ${away} s down, ${missed} creates: all there after`, "s", "3"),
    ...(most === undefined
      ? []
      : [
          row("changes healthy", `a member down, ${most} changes: the other has them`, "s"),
          row("changes returned", `after ${away} s down, ${most} changes: all there after`, "s", "20"),
        ]),
    ...costs("burst", burst),
    ...(most === undefined ? [] : costs("large", most)),
    row("idle writes", "hub's etcd writes per idle minute", ""),
    row("memory idle most", "resident memory, idle: the largest controller process", "MiB"),
    row("memory idle sum", "resident memory, idle: all controller processes", "MiB"),
    ...(most === undefined
      ? []
      : [
          row("memory large most", `resident memory with ${most} objects: the largest`, "MiB"),
          row("memory large sum", `resident memory with ${most} objects: all`, "MiB"),
        ]),
  ];
}
