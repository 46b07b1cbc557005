/**
 * The watchdog over a site's workers. Each ECAM probes them and follows their
 * Nodes all the time, so that whoever holds the VIP can act at once; only that
 * one writes. What it has done is read from the Nodes: it remembers nothing.
 */
import type { Node } from "kubernetes-types/core/v1.d.ts";
import type { Follower, Kube } from "#ports/kube.ts";
import { type Clock, pause } from "../runtime/clock.ts";
import { decide, type Verdict, type WorkerView } from "./decide.ts";
import { exclusion, INCLUSION, marksOf, NODES, trimmed } from "./marks.ts";
import { type Outcome, PROBE_INTERVAL_MS, seen, type Sight, UNSEEN } from "./sight.ts";

const FIRST_WRITE_MS = 500;
const LONGEST_WRITE_MS = 5000;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 1000;

export interface Worker {
  readonly name: string;
  readonly address: string;
}

export interface WatchdogOptions {
  /** The ECAM, by which exclusions are signed. */
  readonly self: string;
  readonly workers: readonly Worker[];
  /** One connect; never fails, and ends in about `PROBE_TIMEOUT_MS`. */
  readonly probe: (worker: Worker) => Promise<Outcome>;
  /** Whether it is this ECAM that acts. */
  readonly acts: () => boolean;
  readonly kube: Kube;
  readonly clock: Clock;
  /** A line for people, at each change. */
  readonly note: (what: string) => void;
}

export class Watchdog {
  private readonly options: WatchdogOptions;
  private readonly sights = new Map<string, Sight>();
  private readonly nodes = new Map<string, Node>();
  /** Nodes that are being written. */
  private readonly writing = new Set<string>();
  /** By node, how often in a row it could not be written. */
  private readonly failures = new Map<string, number>();
  private trouble: string | undefined;

  constructor(options: WatchdogOptions) {
    this.options = options;
  }

  /** Until `signal` is aborted. With fewer than two workers there is nothing to choose. */
  async run(signal: AbortSignal): Promise<void> {
    const { workers, kube } = this.options;
    if (workers.length < 2) {
      this.options.note("has fewer than two workers to choose from: does nothing");
      if (!signal.aborted) await new Promise((end) => signal.addEventListener("abort", end, { once: true }));
      return;
    }
    await Promise.all([
      kube.listAndWatch({ resource: NODES }, this.follower(), { signal, trim: trimmed }),
      ...workers.map((worker, index) =>
        this.watch(worker, (index / workers.length) * PROBE_INTERVAL_MS, signal),
      ),
    ]);
  }

  private async watch(worker: Worker, delayMs: number, signal: AbortSignal): Promise<void> {
    const { clock, probe } = this.options;
    await pause(clock, delayMs, signal);
    while (!signal.aborted) {
      const started = clock.now();
      const outcome = await probe(worker);
      if (signal.aborted) return;
      this.look(worker, outcome);
      this.act(signal);
      await pause(clock, started + PROBE_INTERVAL_MS - clock.now(), signal);
    }
  }

  private look({ name, address }: Worker, outcome: Outcome): void {
    const before = this.sights.get(name) ?? UNSEEN;
    const after = seen(before, outcome, this.options.clock.now());
    this.sights.set(name, after);
    if (after.life === before.life) return;
    this.options.note(
      after.life === "up" ? `${name} answers` : `${name} (${address}) is dead: ${reason(after)}`,
    );
  }

  private act(signal: AbortSignal): void {
    const { clock, acts } = this.options;
    const verdicts = decide(this.views(), clock.now()).filter(({ worker }) => !this.writing.has(worker));
    if (verdicts.length === 0 || !acts()) return;
    for (const verdict of verdicts) void this.write(verdict, signal);
  }

  private views(): readonly WorkerView[] {
    return this.options.workers.map(({ name }) => {
      const node = this.nodes.get(name);
      return { name, sight: this.sights.get(name) ?? UNSEEN, marks: node && marksOf(node) };
    });
  }

  /** One try; the next probe decides anew. */
  private async write({ worker, exclude }: Verdict, signal: AbortSignal): Promise<void> {
    const { self, kube, clock, note } = this.options;
    const failures = this.failures.get(worker) ?? 0;
    const late = new AbortController();
    // An API server that dies with a worker takes a kept connection with it, and the next one leads elsewhere.
    const cancel = clock.after(Math.min(FIRST_WRITE_MS * 2 ** failures, LONGEST_WRITE_MS), () =>
      late.abort(new Error("the API took too long")),
    );
    this.writing.add(worker);
    try {
      const patch = exclude ? exclusion(self) : INCLUSION;
      const node = await kube.patch({ resource: NODES, name: worker }, patch, {
        fieldManager: "panopticon-watchdog",
        signal: AbortSignal.any([signal, late.signal]),
      });
      this.nodes.set(worker, trimmed(node));
      this.failures.delete(worker);
      note(exclude ? `excludes ${worker} from load balancers` : `lets ${worker} in again`);
    } catch (error) {
      if (signal.aborted) return;
      this.failures.set(worker, failures + 1);
      if (failures === 0) note(`${worker} can't be written yet: ${firstLine(error as Error)}`);
      await pause(clock, Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS), signal);
    } finally {
      cancel();
      this.writing.delete(worker);
    }
  }

  private follower(): Follower<Node> {
    const put = (node: Node): void => {
      this.nodes.set(node.metadata?.name ?? "", node);
    };
    const heard = (): void => {
      if (this.trouble !== undefined) this.options.note("the API is heard again");
      this.trouble = undefined;
    };
    return {
      replace: (items) => {
        this.nodes.clear();
        for (const node of items) put(node);
        heard();
      },
      change: (type, node) => {
        if (type === "deleted") this.nodes.delete(node.metadata?.name ?? "");
        else put(node);
        heard();
      },
      progress: heard,
      trouble: (error) => {
        if (error.code !== this.trouble) this.options.note(`the API is not heard: ${firstLine(error)}`);
        this.trouble = error.code;
      },
    };
  }
}

function reason({ silent, misses }: Sight): string {
  return silent > 0 ? `${misses} probes in a row failed` : `it has refused ${misses} connections in a row`;
}

/** Without what a person at a prompt is told to do. */
function firstLine({ message }: Error): string {
  return message.split("\n", 1)[0] ?? "";
}
