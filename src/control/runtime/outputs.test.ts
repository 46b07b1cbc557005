import { describe, expect, it } from "vitest";
import type { Output } from "./controller.ts";
import { metricsText, openCounter, openHistogram } from "./metrics.ts";
import { refuseTwoOwners } from "./outputs.ts";

const output = (plural: string, part?: string, cluster = "site"): Output => ({
  cluster,
  group: "",
  plural,
  ...(part !== undefined && { part }),
});
const both = (one: Output, other: Output) => () =>
  refuseTwoOwners([
    { name: "apply", outputs: [one] },
    { name: "mirror", outputs: [other] },
  ]);

describe("outputs", () => {
  it.each([
    [output("pods"), output("pods")],
    [output("pods"), output("*")],
    [output("pods"), output("pods", "status")],
    [output("pods", "status"), output("pods", "status")],
  ])("have one owner: %j and %j clash", (one, other) => {
    expect(both(one, other)).toThrow(/CONTROL_TWO_OWNERS apply owns .* and mirror owns .*undo/);
    expect(both(other, one)).toThrow("CONTROL_TWO_OWNERS");
  });

  it.each([
    [output("pods"), output("nodes")],
    [output("pods"), output("pods", undefined, "hub")],
    [output("pods", "status"), output("pods", "spec")],
    [output("pods"), { ...output("pods"), group: "metrics.k8s.io" }],
  ])("may lie side by side: %j and %j", (one, other) => {
    expect(both(one, other)).not.toThrow();
  });

  it("belong to controllers of different names", () => {
    expect(() =>
      refuseTwoOwners([
        { name: "a", outputs: [] },
        { name: "a", outputs: [] },
      ]),
    ).toThrow("CONTROL_NAME_TAKEN");
  });
});

describe("metrics", () => {
  it("are Prometheus' text format", () => {
    const counter = openCounter("things_total", "Things\nby \\ kind.");
    counter.add({ kind: 'a"\\\n' });
    counter.add({ kind: 'a"\\\n' }, 2);
    const histogram = openHistogram("seconds", "How long.", [0.1, 1]);
    for (const value of [0.05, 0.1, 0.5, 3]) histogram.observe({ who: "me" }, value);
    expect(metricsText([counter.metric(), histogram.metric()])).toBe(
      [
        "# HELP things_total Things\\nby \\\\ kind.",
        "# TYPE things_total counter",
        'things_total{kind="a\\"\\\\\\n"} 3',
        "# HELP seconds How long.",
        "# TYPE seconds histogram",
        'seconds_bucket{who="me",le="0.1"} 2',
        'seconds_bucket{who="me",le="1"} 3',
        'seconds_bucket{who="me",le="+Inf"} 4',
        'seconds_sum{who="me"} 3.65',
        'seconds_count{who="me"} 4',
        "",
      ].join("\n"),
    );
  });
});
