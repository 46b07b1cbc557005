/** At an external cloud site: tells the hub how what it is shown fares, each in its own view. */
import type { Controller, Input } from "#control/runtime/controller.ts";
import { isDeepStrictEqual } from "node:util";
import { KubeError } from "#ports/kube.ts";
import { type View, type ViewStatus, viewNamespace } from "../api/view.ts";
import { dueAt, noted, PACE, type Pending } from "../status/coalesce.ts";
import { toldOf } from "./entry.ts";
import { joinKey, kindName, VIEWS } from "./resources.ts";
import type { Term } from "./term.ts";

export function viewStatusController({ site, reports, clock }: Term): Controller {
  const namespace = viewNamespace(site);
  const views: Input<View> = {
    cluster: "hub",
    resource: VIEWS,
    namespace,
    indexes: { object: ({ spec }) => [`${kindName(spec)} ${joinKey(spec)}`] },
    work: ({ object: { spec } }) => [{ group: kindName(spec), key: joinKey(spec) }],
  };
  const pending = new Map<string, Pending>();
  const writtenAt = new Map<string, number>();
  return {
    name: "status",
    inputs: [views],
    outputs: [{ cluster: "hub", group: VIEWS.group, plural: VIEWS.plural, part: "status of what is there" }],
    start(context) {
      reports.listen((group, key, urgent) => {
        const id = `${group} ${key}`;
        const one = noted(pending.get(id), clock.now(), urgent);
        pending.set(id, one);
        const wait = dueAt(one, writtenAt.get(id), PACE) - clock.now();
        context.addAfter({ group, key }, Math.max(0, wait) / 1000);
      });
    },
    async reconcile({ group, key }, context, signal) {
      const id = `${group} ${key}`;
      const [view] = context.cache(views).by("object", id);
      const report = reports.get(group, key);
      if (!view?.spec.body) return undefined;
      if (report?.status === undefined || report.hash !== view.spec.hash) return undefined;
      const one = pending.get(id);
      const wait = one ? dueAt(one, writtenAt.get(id), PACE) - clock.now() : 0;
      if (wait > 0) return { afterSeconds: wait / 1000 };
      pending.delete(id);
      const status: ViewStatus = { hash: report.hash, ...toldOf(report) };
      if (isDeepStrictEqual(view.status, status)) {
        writtenAt.delete(id);
        return undefined;
      }
      writtenAt.set(id, clock.now());
      const { name = "", resourceVersion = "" } = view.metadata ?? {};
      const ref = { resource: VIEWS, namespace, name, subresource: "status" };
      try {
        // Of this very view: what is shown meanwhile has another status.
        const next: View = { ...view, metadata: { name, namespace, resourceVersion }, status };
        await context.kube("hub").replace(ref, next, { signal });
      } catch (error) {
        const late = error instanceof KubeError && ["KUBE_CONFLICT", "KUBE_NOT_FOUND"].includes(error.code);
        if (!late) throw error;
      }
      return undefined;
    },
  };
}
