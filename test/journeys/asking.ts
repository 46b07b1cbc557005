/** Asks an app again and again, several times a second, and remembers every question without an answer. */
import { setTimeout as sleep } from "node:timers/promises";

const PAUSE_MS = 150;
/** Where five machines boot on two processors, a question may wait long for its turn; what stops an app refuses it. */
const PATIENCE_MS = 30_000;

export interface Asked {
  readonly answers: number;
  /** When, whom, and what happened. */
  readonly failures: readonly string[];
  readonly longestMs: number;
}

export interface Asking {
  /** Stops, and gives the same again when it is called again. */
  end(): Promise<Asked>;
}

/** Asks once, over a connection of its own: undefined where it was answered as it should be, else why not. */
export type Ask = (url: string) => Promise<string | undefined>;

/** One URL after the other; begins once all of them have answered. */
export async function keepAsking(urls: readonly string[], ask: Ask = fetched): Promise<Asking> {
  for (const url of urls) await untilAnswer(url, ask);
  const failures: string[] = [];
  let answers = 0;
  let longestMs = 0;
  const end = new AbortController();
  const work = (async () => {
    for (let turn = 0; !end.signal.aborted; turn++) {
      const url = urls[turn % urls.length] ?? "";
      const began = performance.now();
      const why = await ask(url);
      longestMs = Math.max(longestMs, Math.round(performance.now() - began));
      if (why === undefined) answers += 1;
      else failures.push(`${new Date().toISOString()} ${url}: ${why}`);
      await sleep(PAUSE_MS);
    }
  })();
  return {
    async end() {
      end.abort();
      await work;
      return { answers, failures, longestMs };
    },
  };
}

async function fetched(url: string): Promise<string | undefined> {
  try {
    const answer = await fetch(url, {
      headers: { connection: "close" },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    await answer.text();
    return answer.ok ? undefined : `HTTP ${answer.status}`;
  } catch (error) {
    const { message, cause } = error as Error;
    return cause instanceof Error ? `${message}: ${cause.message}` : message;
  }
}

/** A rollout has ended before every kube-proxy has heard of the service. */
async function untilAnswer(url: string, ask: Ask): Promise<void> {
  for (let tries = 0; ; tries++) {
    const why = await ask(url);
    if (why === undefined) return;
    if (tries === 100) throw new Error(`${url} never answered: ${why}`);
    await sleep(200);
  }
}
