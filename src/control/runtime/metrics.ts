/** Counts and durations in Prometheus' text format, version 0.0.4. */
import type { KubeStatistics } from "#ports/kube.ts";

export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** After the metric's name: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string;
}

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

export interface Counter {
  add(labels: Labels, by?: number): void;
  metric(): Metric;
}

export interface Histogram {
  observe(labels: Labels, value: number): void;
  metric(): Metric;
}

/** Metrics as the text that a scrape wants; metrics of one name are put together. */
export function metricsText(metrics: readonly Metric[]): string {
  const byName = Map.groupBy(metrics, ({ name }) => name);
  const lines = [...byName].flatMap(([name, same]) => [
    `# HELP ${name} ${same[0]?.help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`,
    `# TYPE ${name} ${same[0]?.type}`,
    ...same.flatMap(({ samples }) => samples.map((sample) => sampleText(name, sample))),
  ]);
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function sampleText(name: string, { labels, value, suffix = "" }: Sample): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escape(String(text))}"`);
  const inner = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
  return `${name}${suffix}${inner} ${numberText(value)}`;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

export function openCounter(name: string, help: string): Counter {
  const values = new Map<string, { labels: Labels; value: number }>();
  return {
    add(labels, by = 1) {
      const key = JSON.stringify(labels);
      const entry = values.get(key) ?? { labels, value: 0 };
      entry.value += by;
      values.set(key, entry);
    },
    metric: () => ({ name, help, type: "counter", samples: [...values.values()] }),
  };
}

export function openHistogram(name: string, help: string, bounds: readonly number[]): Histogram {
  interface Entry {
    readonly labels: Labels;
    readonly within: number[];
    sum: number;
    count: number;
  }
  const values = new Map<string, Entry>();
  return {
    observe(labels, value) {
      const key = JSON.stringify(labels);
      const entry = values.get(key) ?? { labels, within: bounds.map(() => 0), sum: 0, count: 0 };
      values.set(key, entry);
      entry.sum += value;
      entry.count += 1;
      for (const [index, bound] of bounds.entries()) {
        if (value <= bound) entry.within[index] = (entry.within[index] ?? 0) + 1;
      }
    },
    metric: () => ({
      name,
      help,
      type: "histogram",
      samples: [...values.values()].flatMap(({ labels, within, sum, count }) =>
        histogramSamples(labels, bounds, within, sum, count),
      ),
    }),
  };
}

function histogramSamples(
  labels: Labels,
  bounds: readonly number[],
  buckets: readonly number[],
  sum: number,
  count: number,
): readonly Sample[] {
  const within = bounds.map((bound, index) => ({
    suffix: "_bucket",
    labels: { ...labels, le: bound },
    value: buckets[index] ?? 0,
  }));
  return [
    ...within,
    { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: count },
    { suffix: "_sum", labels, value: sum },
    { suffix: "_count", labels, value: count },
  ];
}

/** What a client counted, as metrics of its cluster. */
export function kubeMetrics(
  cluster: string,
  { requests, latency, watches }: KubeStatistics,
): readonly Metric[] {
  const { bounds, buckets, sumSeconds, count } = latency;
  return [
    {
      name: "panopticon_kube_requests_total",
      help: "Requests to a Kubernetes API by verb and HTTP status; status 0 is no answer.",
      type: "counter",
      samples: requests.map(({ method, status, count }) => ({
        labels: { cluster, method, status },
        value: count,
      })),
    },
    {
      name: "panopticon_kube_request_seconds",
      help: "Time until a Kubernetes API had answered; watches are left out.",
      type: "histogram",
      samples: histogramSamples({ cluster }, bounds, buckets, sumSeconds, count),
    },
    {
      name: "panopticon_kube_watches_ended_total",
      help: "Watches that ended and were begun again, by what ended them.",
      type: "counter",
      samples: watches.map(({ resource, ended, count }) => ({
        labels: { cluster, resource, ended },
        value: count,
      })),
    },
  ];
}
