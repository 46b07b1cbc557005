/** At an external cloud site: its mirrors are what the hub shows it. */
import type { Context, Controller, Input } from "#control/runtime/controller.ts";
import type { Work } from "#control/runtime/queue.ts";
import type { Mirror, MirrorSpec } from "../api/mirror.ts";
import { FEDERATION_GROUP } from "../api/names.ts";
import { type View, viewNamespace } from "../api/view.ts";
import { doneIn, drop } from "./grave-controller.ts";
import { unlessThere } from "./install.ts";
import { type MirrorStore, notBefore, openMirrorStore } from "./mirrors.ts";
import { kindName, MIRRORS, VIEWS } from "./resources.ts";
import type { Term } from "./term.ts";

const GROUP = "views";
const SWEEP: Work = { group: "sweep", key: "all" };
/** A hub that has just opened shows its views one after the other: only what is not shown for so long is asked about. */
const ASK_SECONDS = 5;
const SWEEP_SECONDS = 5;

/** @param ready resolves when the hub is open in this epoch. */
export function viewMirrorController(term: Term, ready: (context: Context) => Promise<void>): Controller {
  const namespace = viewNamespace(term.site);
  const views: Input<View> = {
    cluster: "hub",
    resource: VIEWS,
    namespace,
    work: ({ object }) => [{ group: GROUP, key: object.metadata?.name ?? "" }],
  };
  const mirrors: Input<Mirror> = {
    cluster: "site",
    resource: MIRRORS,
    indexes: { type: ({ spec }) => [kindName(spec)] },
    work: ({ object }) => [{ group: GROUP, key: object.metadata?.name ?? "" }],
  };
  let store: MirrorStore;
  const unseen = new Map<string, number>();

  const viewOf = (context: Context, name: string): View | undefined =>
    context.cache(views).get(`${namespace}/${name}`);
  const ask = async (context: Context, name: string, mirror: MirrorSpec, signal: AbortSignal) => {
    const since = unseen.get(name) ?? term.clock.now();
    unseen.set(name, since);
    const wait = since + ASK_SECONDS * 1000 - term.clock.now();
    if (wait > 0) return { afterSeconds: wait / 1000 };
    const { body: _body, tombstone: _tombstone, ...known } = mirror;
    const spec = { ...known, asked: true };
    const view: View = {
      apiVersion: `${FEDERATION_GROUP}/v1`,
      kind: "View",
      metadata: { namespace, name },
      spec,
    };
    await unlessThere(context.kube("hub").create({ resource: VIEWS, namespace }, view, { signal }));
    return undefined;
  };
  /** Whether the site has, or has had carried out, all that it was shown. */
  const sweep = (context: Context): void => {
    const isDone = doneIn(context.cache(mirrors), term.graves);
    let complete = true;
    for (const mirror of context.cache(mirrors).list()) {
      const name = mirror.metadata?.name ?? "";
      if (mirror.spec.tombstone && isDone(mirror)) context.add({ group: GROUP, key: name });
      if (mirror.spec.body && !viewOf(context, name)) complete = false;
    }
    const { revision } = context.cache(views);
    if (complete) term.graves.confirmed = { epoch: term.crown.epoch, resourceVersion: revision };
  };

  return {
    name: "mirror",
    inputs: [views, mirrors],
    outputs: [
      { cluster: "site", group: MIRRORS.group, plural: MIRRORS.plural, part: "copies of the hub" },
      { cluster: "hub", group: VIEWS.group, plural: VIEWS.plural, part: "questions, and what is gone" },
    ],
    async start(context) {
      store = openMirrorStore(context.kube("site"), context.cache(mirrors));
      term.graves.listen(() => context.addAfter(SWEEP, 0.2));
      context.add(SWEEP);
      await ready(context);
    },
    async reconcile({ group, key: name }, context, signal) {
      if (group === SWEEP.group) {
        sweep(context);
        return { afterSeconds: SWEEP_SECONDS };
      }
      const view = viewOf(context, name);
      const mirror = store.get(name);
      const known = mirror?.spec;
      if (!view) {
        if (known?.body) return ask(context, name, known, signal);
        if (mirror && doneIn(context.cache(mirrors), term.graves)(mirror))
          await drop(mirror, context, signal);
        return undefined;
      }
      unseen.delete(name);
      const { asked, ...shown } = view.spec;
      if (asked) return undefined;
      if (known?.hash !== shown.hash || (known.body === undefined) !== (shown.body === undefined)) {
        // What the site never had needs no record of its end.
        if (shown.body || known) await store.put({ ...shown, ...(known && notBefore(known, shown)) }, signal);
        if (shown.body || known) return undefined;
      }
      if (!shown.tombstone || (view.status?.gone && view.status.hash === shown.hash)) return undefined;
      if (mirror && !doneIn(context.cache(mirrors), term.graves)(mirror)) return undefined;
      const ref = { resource: VIEWS, namespace, name, subresource: "status" };
      const status = {
        hash: shown.hash,
        gone: true,
        status: null,
        message: null,
        remoteStatus: null,
        remoteGeneration: null,
      };
      await context.kube("hub").patch(ref, { status }, { signal });
      return undefined;
    },
  };
}
