/** Lists, then watches, through whatever happens to the server. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Collection,
  type FollowOptions,
  type Follower,
  KubeError,
  type KubeObject,
  type WatchEnd,
} from "#ports/kube.ts";
import type { Send } from "./send.ts";
import { type Page, currentVersion, listAll } from "./list.ts";
import type { Recovery } from "./recovery.ts";
import type { Statistics } from "./statistics.ts";
import { type WatchGround, watchOnce } from "./watch.ts";

const FIRST_PAUSE_SECONDS = 0.1;
const LONGEST_PAUSE_SECONDS = 10;
/** A watch that lived this long was well: the next failure is a new one. */
const WELL_SECONDS = 5;

export interface FollowGround extends WatchGround {
  readonly send: Send;
  readonly recovery: Recovery;
  readonly statistics: Statistics;
}

/** See `Kube.listAndWatch`. */
export async function listAndWatch<T extends KubeObject>(
  ground: FollowGround,
  from: Collection<T>,
  follower: Follower<T>,
  options: FollowOptions<T>,
): Promise<void> {
  const signal = AbortSignal.any([options.signal, ground.closed]);
  const place: Place = { version: undefined, wellSince: undefined };
  for (let failures = 0; !signal.aborted; ) {
    const error = await followOnce(ground, from, follower, { ...options, signal }, place);
    if (signal.aborted) return;
    const lived = place.wellSince === undefined ? 0 : (performance.now() - place.wellSince) / 1000;
    const ended = endOf(error, lived, options.timeoutSeconds);
    ground.statistics.watchEnded(resourceName(from), ended);
    if (lived >= WELL_SECONDS || ended === "timeout") failures = 0;
    if (ended === "timeout") continue;
    failures += 1;
    if (ended === "expired") place.version = undefined;
    else if (error) follower.trouble?.(error);
    if (error?.status === 0) await ground.recovery.wait(signal);
    // A first failure is most often the server's restart: its watches come back at once, though not all in one moment.
    const longest = failures === 1 ? FIRST_PAUSE_SECONDS : pauseSeconds(failures);
    await sleep(longest * 1000 * (0.5 + ground.random() / 2), undefined, { signal }).catch(() => undefined);
  }
}

interface Place {
  /** Everything up to here has been told; undefined where a list is due. */
  version: string | undefined;
  /** Since when the present watch, or the last one, is open (ms of the monotonic clock). */
  wellSince: number | undefined;
}

/** Until the watch ends: in order (undefined), or with what ended it. */
async function followOnce<T extends KubeObject>(
  ground: FollowGround,
  from: Collection<T>,
  follower: Follower<T>,
  options: FollowOptions<T>,
  place: Place,
): Promise<KubeError | undefined> {
  const { trim = same } = options;
  const resumed = place.version !== undefined;
  place.wellSince = undefined;
  try {
    if (resumed && (await wentBack(ground, from, options, place))) place.version = undefined;
    place.version ??= await replaceAll(ground, from, follower, options);
    place.wellSince = performance.now();
    const watch = watchOnce(ground, from, { ...options, resourceVersion: place.version });
    for await (const event of watch) {
      if (event.type === "bookmark") {
        place.version = event.resourceVersion;
        follower.progress?.(event.resourceVersion);
      } else {
        const { resourceVersion } = event.object.metadata ?? {};
        follower.change(event.type, trim(event.object));
        if (resourceVersion) place.version = resourceVersion;
      }
    }
    return undefined;
  } catch (error) {
    if (options.signal.aborted) return undefined;
    if (error instanceof KubeError) return error;
    throw error;
  }
}

/**
 * A server restored from a backup counts from the backup on, and a watch from
 * a later moment would wait in silence until it has caught up. Resource
 * versions can be compared as numbers (Kubernetes API Concepts, 1.35).
 */
async function wentBack<T extends KubeObject>(
  ground: FollowGround,
  from: Collection<T>,
  options: FollowOptions<T>,
  place: Place,
): Promise<boolean> {
  const { labelSelector, fieldSelector, signal } = options;
  const selectors = { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) };
  const now = await currentVersion(ground.send, from, { ...selectors, signal });
  const back = /^\d+$/.test(now) && BigInt(now) < BigInt(place.version ?? 0);
  if (back) ground.statistics.watchEnded(resourceName(from), "rewound");
  return back;
}

async function replaceAll<T extends KubeObject>(
  { send }: FollowGround,
  from: Collection<T>,
  follower: Follower<T>,
  { labelSelector, fieldSelector, pageSize, signal, trim = same }: FollowOptions<T>,
): Promise<string> {
  const { items, resourceVersion } = await listAll(send, from, {
    ...(labelSelector && { labelSelector }),
    ...(fieldSelector && { fieldSelector }),
    ...(pageSize !== undefined && { pageSize }),
    signal,
    trim: (object, page) => trim(named(object, page)),
  });
  follower.replace(items, resourceVersion);
  return resourceVersion;
}

/** With the kind that events carry and lists leave out. */
function named<T extends KubeObject>(object: T, { apiVersion, kind }: Page<T>): T {
  if (object.kind !== undefined || !apiVersion || !kind) return object;
  return { apiVersion, kind: kind.replace(/List$/, ""), ...object };
}

function endOf(error: KubeError | undefined, livedSeconds: number, timeoutSeconds = WELL_SECONDS): WatchEnd {
  // One that ends in order and at once, again and again, is not well.
  if (!error) return livedSeconds >= Math.min(WELL_SECONDS, timeoutSeconds / 2) ? "timeout" : "unreachable";
  if (error.code === "KUBE_EXPIRED" || error.status === 410) return "expired";
  if (error.code === "KUBE_SILENT") return "silent";
  return error.status === 0 ? "unreachable" : "refused";
}

function pauseSeconds(failures: number): number {
  return Math.min(FIRST_PAUSE_SECONDS * 2 ** (failures - 1), LONGEST_PAUSE_SECONDS);
}

function resourceName({ resource: { group, plural } }: Collection): string {
  return group === "" ? plural : `${group}/${plural}`;
}

function same<T>(object: T): T {
  return object;
}
