/** What a drill found, as data and as one self-contained page. */

/** Whether a promise held: as the proof says it and as it was measured. */
export interface PromiseVerdict {
  /** Such as `api:attic`. */
  readonly promise: string;
  readonly says: string;
  readonly predicted: "holds" | "broken";
  readonly measured: "holds" | "broken";
}

/** The longest times without an answer while the fault lasted, in seconds. */
export interface Gaps {
  readonly api: number;
  readonly service: number;
  readonly etcd: number;
}

/** One fault and what came of it. Times are seconds. */
export interface FaultResult {
  readonly id: string;
  readonly site: string;
  readonly says: string;
  readonly verdicts: readonly PromiseVerdict[];
  /** By site. */
  readonly gaps: Readonly<Record<string, Gaps>>;
  /** Gaps between the return and the moment all was healthy again, by site. */
  readonly gapsAtReturn: Readonly<Record<string, Gaps>>;
  /** Who held the site's VIP when the fault had lasted its time. */
  readonly holders: readonly string[];
  /** The longest time nobody, or more than one, held it while the fault lasted. */
  readonly vip: { readonly none: number; readonly several: number };
  readonly writes: { readonly acknowledged: number; readonly lost: readonly string[] };
  /** From the return until everything was healthy; undefined where that was not reached. */
  readonly healthyAfter: number | undefined;
  /** What was wrong, in sentences; empty where measured and predicted agree and nothing was lost. */
  readonly defects: readonly string[];
  /** Id of the fault that is made in just the same way and was measured for both. */
  readonly measuredWith?: string;
  /** How often it was made before without a result, because sites it does not touch fell silent too. */
  readonly voided?: number;
}

export interface DrillReport {
  readonly federation: string;
  /** When it ended, ISO 8601. */
  readonly at: string;
  /** How long each fault lasted, in seconds. */
  readonly holdSeconds: number;
  /** A promise counts as broken when nothing has answered for this long at the end of that time, in seconds. */
  readonly silenceSeconds: number;
  /** How much longer what is predicted to hold may take before it counts as broken, in seconds. */
  readonly lateSeconds: number;
  readonly results: readonly FaultResult[];
  /** Components without a fault, with the reason. */
  readonly undrilled: readonly { readonly id: string; readonly reason: string }[];
}

/** The gaps at the fault's own site. */
export function ownGaps(result: FaultResult): Gaps {
  return result.gaps[result.site] ?? { api: 0, service: 0, etcd: 0 };
}

/** What a column of the table says of a fault, in words. */
export function verdictWords({ defects, verdicts, voided }: FaultResult): string {
  const again = voided === undefined ? "" : ` (made ${voided + 1} times: the box stood still before)`;
  if (defects.length > 0) return `DEFECT: ${defects.join("; ")}${again}`;
  return verdicts.some(({ measured }) => measured === "broken")
    ? `hurts, as predicted${again}`
    : `harmless, as predicted${again}`;
}

/** Promises that are broken, or "nothing". */
export function brokenWords({ verdicts }: FaultResult, side: "predicted" | "measured"): string {
  const broken = verdicts.filter((verdict) => verdict[side] === "broken").map(({ promise }) => promise);
  return broken.length > 0 ? broken.join(", ") : "nothing";
}

/** The page: no script, nothing loaded from anywhere. */
export function drillPage(report: DrillReport): string {
  const defects = report.results.filter((result) => result.defects.length > 0).length;
  const title = `Drill of ${report.federation}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escape(title)}</h1>
<p>${report.results.length} faults, ${defects} with a defect; ended ${escape(report.at)}. Each lasted ${report.holdSeconds} s. A promise counts as broken when nothing had answered for ${report.silenceSeconds} s at the end of that time, and, where the proof says that it holds, for up to ${report.lateSeconds} s after it.</p>
<table>
<thead><tr>${HEADINGS.map((heading) => `<th scope="col">${escape(heading)}</th>`).join("")}</tr></thead>
<tbody>
${report.results.map(row).join("\n")}
</tbody>
</table>
${undrilledList(report)}
<p>Not measured: the promises of data, backups, the crown and changes, and name servers, which need what the sites do not run yet.</p>
</body>
</html>
`;
}

const HEADINGS = [
  "Fault",
  "Predicted broken",
  "Measured broken",
  "API gap (s)",
  "Service gap (s)",
  "etcd gap (s)",
  "VIP at the end",
  "Writes kept",
  "Healthy after (s)",
  "Verdict",
];

function row(result: FaultResult): string {
  const gaps = ownGaps(result);
  const { acknowledged, lost } = result.writes;
  const cells = [
    result.says,
    brokenWords(result, "predicted"),
    brokenWords(result, "measured"),
    gaps.api.toFixed(2),
    gaps.service.toFixed(2),
    gaps.etcd.toFixed(2),
    result.holders.join(" and ") || "nobody",
    `${acknowledged - lost.length} of ${acknowledged}`,
    result.healthyAfter?.toFixed(1) ?? "not reached",
    verdictWords(result),
  ];
  const [first = "", ...rest] = cells;
  const kind = result.defects.length > 0 ? "defect" : "";
  return `<tr class="${kind}"><th scope="row"><code>${escape(result.id)}</code><br>${escape(first)}</th>${rest.map((cell) => `<td>${escape(cell)}</td>`).join("")}</tr>`;
}

function undrilledList({ undrilled }: DrillReport): string {
  if (undrilled.length === 0) return "";
  const items = undrilled.map(({ id, reason }) => `<li><code>${escape(id)}</code>: ${escape(reason)}</li>`);
  return `<h2>Not drilled</h2>\n<ul>\n${items.join("\n")}\n</ul>`;
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.4 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 90rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; }
th, td { border-bottom: 1px solid #8886; padding: 0.4rem 0.6rem; text-align: left; vertical-align: top; }
thead th { position: sticky; top: 0; background: Canvas; }
tr.defect { outline: 2px solid #c33; outline-offset: -2px; }
`;

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
