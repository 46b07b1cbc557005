/** Probes targets each at its own times, never two of one at once and never too many in all, and says when a verdict changes. */
import { type Clock, pause } from "../runtime/clock.ts";
import { probed, UNPROBED, type Verdict } from "./verdict.ts";

/** One thing that is probed, at one address. */
export interface Target {
  /** Unique. */
  readonly key: string;
  /** Where the probe goes. */
  readonly at: string;
  /** The name it asks for. */
  readonly name: string;
  /** A host name of a service; missing where the site as a whole is meant. */
  readonly service?: string;
  /** The external addresses that it speaks for. */
  readonly addresses: readonly string[];
}

export type Probe = (target: Target) => Promise<{ readonly works: boolean; readonly found: string }>;

export interface ProberOptions {
  readonly probe: Probe;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly changed: (target: Target, verdict: Verdict) => void;
}

/** More would be felt by those who are probed, and by us. */
const AT_ONCE = 64;

export class Prober {
  private readonly options: ProberOptions;
  private readonly running = new Map<string, { readonly target: Target; readonly end: AbortController }>();
  private readonly verdicts = new Map<string, Verdict>();
  private free = AT_ONCE;
  private readonly waiting: (() => void)[] = [];

  constructor(options: ProberOptions) {
    this.options = options;
  }

  /** From now on these, and no others; what is known of those that stay is kept. */
  watch(targets: readonly Target[]): void {
    const wanted = new Set(targets.map(({ key }) => key));
    for (const [key, { end }] of this.running)
      if (!wanted.has(key)) {
        end.abort();
        this.running.delete(key);
        this.verdicts.delete(key);
      }
    for (const [index, target] of targets.entries()) {
      if (this.running.has(target.key)) continue;
      const end = new AbortController();
      this.running.set(target.key, { target, end });
      // Spread over the interval, so that they do not meet at the same moment for ever.
      void this.run(target, (index / targets.length) * this.options.intervalMs, end.signal);
    }
  }

  verdictOf({ key }: Target): Verdict {
    return this.verdicts.get(key) ?? UNPROBED;
  }

  targets(): readonly Target[] {
    return [...this.running.values()].map(({ target }) => target);
  }

  stop(): void {
    this.watch([]);
  }

  private async run(target: Target, delayMs: number, signal: AbortSignal): Promise<void> {
    const { clock, intervalMs } = this.options;
    await pause(clock, delayMs, signal);
    while (!signal.aborted) {
      const started = clock.now();
      await this.once(target, signal);
      await pause(clock, started + intervalMs - clock.now(), signal);
    }
  }

  private async once(target: Target, signal: AbortSignal): Promise<void> {
    await this.enter();
    try {
      if (signal.aborted) return;
      const { works, found } = await this.options.probe(target);
      if (signal.aborted) return;
      const before = this.verdictOf(target);
      const after = probed(before, works, found);
      this.verdicts.set(target.key, after);
      if (after.up !== before.up) this.options.changed(target, after);
    } finally {
      this.leave();
    }
  }

  private async enter(): Promise<void> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((go) => this.waiting.push(go));
  }

  private leave(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.free += 1;
  }
}
