/** What a name at the site costs, beside the name itself; asked in turns, so that both have the same weather. */
import type { Client } from "./client.ts";

export interface Latency {
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Until connections are made and caches filled. */
const WARM = 50;

/** Each of `askers` asks by both names in turn, `requests` times. */
export async function addedLatency(
  client: Client,
  name: string,
  requests: number,
  askers = 1,
): Promise<{ readonly direct: Latency; readonly atSite: Latency }> {
  const names = { direct: `${name}.home.test`, atSite: `${name}.site1.home.test` };
  const took = { direct: [] as number[], atSite: [] as number[] };
  const asker = async (): Promise<void> => {
    for (let count = 0; count < requests + WARM; count++)
      for (const way of ["direct", "atSite"] as const) {
        const start = performance.now();
        const { status } = await client.get(names[way]);
        if (status !== 200) throw new Error(`${names[way]} answered ${status}`);
        if (count >= WARM) took[way].push(performance.now() - start);
      }
  };
  await Promise.all(Array.from({ length: askers }, asker));
  return { direct: latencyOf(took.direct), atSite: latencyOf(took.atSite) };
}

function latencyOf(times: readonly number[]): Latency {
  const sorted = times.toSorted((left, right) => left - right);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
