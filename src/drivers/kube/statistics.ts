/** The client's own counts. */
import type { KubeStatistics, WatchEnd } from "#ports/kube.ts";

/** Seconds. */
const BOUNDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

export interface Statistics {
  answered(method: string, status: number, seconds: number): void;
  unanswered(method: string): void;
  watchEnded(resource: string, ended: WatchEnd): void;
  snapshot(): KubeStatistics;
}

export function openStatistics(): Statistics {
  const requests = new Map<string, { method: string; status: number; count: number }>();
  const watches = new Map<string, { resource: string; ended: WatchEnd; count: number }>();
  const within = BOUNDS.map(() => 0);
  let count = 0;
  let sumSeconds = 0;
  const request = (method: string, status: number): void => {
    const entry = requests.get(`${method} ${status}`) ?? { method, status, count: 0 };
    entry.count += 1;
    requests.set(`${method} ${status}`, entry);
  };
  return {
    answered(method, status, seconds) {
      request(method, status);
      count += 1;
      sumSeconds += seconds;
      const bucket = BOUNDS.findIndex((bound) => seconds <= bound);
      if (bucket >= 0) within[bucket] = (within[bucket] ?? 0) + 1;
    },
    unanswered: (method) => request(method, 0),
    watchEnded(resource, ended) {
      const entry = watches.get(`${resource} ${ended}`) ?? { resource, ended, count: 0 };
      entry.count += 1;
      watches.set(`${resource} ${ended}`, entry);
    },
    snapshot() {
      let sum = 0;
      const buckets = within.map((bucket) => (sum += bucket));
      return {
        requests: [...requests.values()].map((entry) => ({ ...entry })),
        watches: [...watches.values()].map((entry) => ({ ...entry })),
        latency: { bounds: BOUNDS, buckets, count, sumSeconds },
      };
    },
  };
}
