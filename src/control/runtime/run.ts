/** Runs a list of controllers over the clusters they name: shared watches, one queue each, metrics and health. */
import { wrongUse } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import type { Kube, KubeObject } from "#ports/kube.ts";
import type { Clock } from "./clock.ts";
import type { Context, Controller, Input, Watched } from "./controller.ts";
import { openInformers } from "./informer.ts";
import { kubeMetrics, type Metric, metricsText, openCounter, openHistogram } from "./metrics.ts";
import { refuseTwoOwners } from "./outputs.ts";
import { openQueue, type Queue } from "./queue.ts";
import { openWorkers, type Workers } from "./workers.ts";

const CONCURRENCY = 16;
const BACKOFF = { firstSeconds: 0.05, longestSeconds: 60 };
/** Of one piece of work, over all its requests. */
const WORK_SECONDS = 60;
/** Work that did not end long after it was told to. */
const STUCK_SECONDS = 5 * WORK_SECONDS;
const WORK_BOUNDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export interface RunSettings {
  /** The clients, by the names that inputs and outputs use. */
  readonly clusters: Readonly<Record<string, Kube>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  /** Ends everything. */
  readonly signal: AbortSignal;
}

export interface Health {
  readonly healthy: boolean;
  /** What is wrong, in words; a cluster that does not answer is not our illness. */
  readonly reasons: readonly string[];
}

export interface Running {
  /** Does the controllers' work until `signal` is aborted and what is under way has ended: what `elect` calls. */
  work(signal: AbortSignal): Promise<void>;
  /** Resolves when every declared input has been listed once. */
  readonly synced: Promise<void>;
  health(): Health;
  /** Prometheus' text format. */
  metrics(): string;
}

/**
 * Starts watching at once, so that whoever takes over later knows everything;
 * works only while `work` runs. Errors: CONTROL_TWO_OWNERS, CONTROL_NAME_TAKEN,
 * CONTROL_CLUSTER_UNKNOWN.
 */
export function startControllers(controllers: readonly Controller[], settings: RunSettings): Running {
  refuseTwoOwners(controllers);
  const crashes: string[] = [];
  const crashed = (error: unknown): void => void crashes.push(String(error));
  const kubeOf = (cluster: string): Kube => {
    const kube = settings.clusters[cluster];
    if (kube) return kube;
    throw wrongUse("CONTROL_CLUSTER_UNKNOWN", `No cluster is called ${cluster} here.`, clusterHint(settings));
  };
  const informers = openInformers(kubeOf, settings.signal, crashed);
  const results = openCounter("panopticon_work_total", "Pieces of work by controller and how they ended.");
  const seconds = openHistogram("panopticon_work_seconds", "How long a piece of work took.", WORK_BOUNDS);
  const parts = controllers.map((controller) =>
    startController(controller, { ...settings, kubeOf, informers, crashed, results, seconds }),
  );
  return {
    synced: Promise.all(parts.map(({ synced }) => synced)).then(() => undefined),
    work: async (signal) => {
      const ends = AbortSignal.any([signal, settings.signal]);
      await Promise.all(parts.map((part) => part.work(ends)));
    },
    health: () => {
      const now = settings.clock.now();
      const stuck = parts.filter(({ workers }) => now - (workers.oldest() ?? now) > STUCK_SECONDS * 1000);
      const reasons = [...crashes, ...stuck.map(({ name }) => `${name} is stuck in its work`)];
      return { healthy: reasons.length === 0, reasons };
    },
    metrics: () => {
      const own = [results.metric(), seconds.metric(), ...queueMetrics(parts), cacheMetric(informers.all)];
      const kubes = Object.entries(settings.clusters);
      return metricsText([...own, ...kubes.flatMap(([name, kube]) => kubeMetrics(name, kube.statistics()))]);
    },
  };
}

interface Shared extends RunSettings {
  readonly kubeOf: (cluster: string) => Kube;
  readonly informers: ReturnType<typeof openInformers>;
  readonly crashed: (error: unknown) => void;
  readonly results: ReturnType<typeof openCounter>;
  readonly seconds: ReturnType<typeof openHistogram>;
}

interface Part {
  readonly name: string;
  readonly queue: Queue;
  readonly workers: Workers;
  readonly synced: Promise<unknown>;
  work(signal: AbortSignal): Promise<void>;
}

function startController(controller: Controller, shared: Shared): Part {
  const { name, concurrency = CONCURRENCY } = controller;
  const { clock, random, signal, emit } = shared;
  const groupConcurrency = Math.max(1, Math.ceil(concurrency / 2));
  const queue = openQueue({ concurrency, groupConcurrency, backoff: BACKOFF, random });
  const workers = openWorkers({
    queue,
    clock,
    longestSeconds: WORK_SECONDS,
    work: (work, ends) => controller.reconcile(work, context, ends),
    ended: ({ group, key }, { result }, took, error) => {
      shared.results.add({ controller: name, group, result });
      shared.seconds.observe({ controller: name }, took);
      if (error) emit({ kind: "note", subject: `${name} ${group} ${key}`, what: messageOf(error) });
    },
  });
  const watched = new Map<Input, Watched>();
  const watch = (input: Input): Watched => {
    const known = watched.get(input);
    if (known) return known;
    const one = shared.informers.listen(input, (change) => {
      for (const work of input.work(change)) workers.add(work);
    });
    const stop = (): void => {
      watched.delete(input);
      one.stop();
    };
    const entry = { ...one, stop };
    watched.set(input, entry);
    return entry;
  };
  const context: Context = {
    kube: shared.kubeOf,
    cache: <T extends KubeObject>(input: Input<T>) => {
      const one = watched.get(input) as Watched<T> | undefined;
      if (one) return one.cache;
      throw new Error(`${name} asks for the cache of an input that it does not watch`);
    },
    watch: <T extends KubeObject>(input: Input<T>) => watch(input) as Watched<T>,
    add: (work) => workers.add(work),
    addAfter: (work, seconds) => workers.addAfter(work, seconds),
    note: (subject, what) => emit({ kind: "note", subject, what }),
    signal,
  };
  const synced = Promise.all(controller.inputs.map((input) => watch(input).synced));
  const ready = synced.then(() => controller.start?.(context));
  ready.catch(shared.crashed);
  return {
    name,
    queue,
    workers,
    synced,
    work: async (ends) => {
      // Half a picture would make a controller delete what it has not yet heard of.
      await Promise.race([ready, aborted(ends)]);
      await workers.run(ends);
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function queueMetrics(parts: readonly Part[]): readonly Metric[] {
  const samples = parts.flatMap(({ name, queue }) =>
    queue.depths().flatMap(({ group, ...states }) =>
      Object.entries(states).map(([state, value]) => ({
        labels: { controller: name, group, state },
        value,
      })),
    ),
  );
  const help = "Keys of a controller's queue: ready, active, waiting for their time, failed last time.";
  return [{ name: "panopticon_queue_keys", help, type: "gauge", samples }];
}

function cacheMetric(informers: ReturnType<typeof openInformers>["all"]): Metric {
  const samples = [...informers].map(({ cluster, name, cache }) => ({
    labels: { cluster, resource: name },
    value: cache.size,
  }));
  return { name: "panopticon_cached_objects", help: "Objects known by watching.", type: "gauge", samples };
}

function clusterHint({ clusters }: RunSettings): string {
  return `There are ${Object.keys(clusters).join(", ")}.`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
