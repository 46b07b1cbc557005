/** At the hub: does what somebody has decided about a conflict. */
import { keyOf } from "#control/runtime/cache.ts";
import type { Controller, Input } from "#control/runtime/controller.ts";
import { KubeError, type KubeObject } from "#ports/kube.ts";
import type { Conflict } from "../api/conflict.ts";
import { resolve } from "../crown/conflicts.ts";
import { inPlaceOf } from "./handover.ts";
import { CONFLICTS } from "./resources.ts";

export function conflictController(): Controller {
  const conflicts: Input<Conflict> = {
    cluster: "hub",
    resource: CONFLICTS,
    work: ({ object }) => [{ group: "conflicts", key: keyOf(object) }],
  };
  return {
    name: "conflicts",
    inputs: [conflicts],
    outputs: [{ cluster: "hub", group: CONFLICTS.group, plural: CONFLICTS.plural, part: "status" }],
    async reconcile({ key }, context, signal) {
      const conflict = context.cache(conflicts).get(key);
      const step = conflict && resolve(conflict.spec);
      if (!step || conflict.status) return;
      const hub = context.kube("hub");
      const { spec } = conflict;
      const place = { resource: spec, ...(spec.namespace !== "" && { namespace: spec.namespace }) };
      const ref = { ...place, name: spec.name };
      let status: NonNullable<Conflict["status"]> = {
        state: step.do === "nothing" ? "Discarded" : "Applied",
      };
      try {
        if (step.do === "delete") await hub.delete(ref, { signal });
        if (step.do === "write") {
          const body = step.body as KubeObject;
          const present = await hub.find(ref, { signal });
          if (present) await hub.replace(ref, inPlaceOf(present, body), { signal });
          else await hub.create(place, body, { signal });
        }
      } catch (error) {
        if (
          !(error instanceof KubeError) ||
          error.status === 0 ||
          error.status === 409 ||
          error.status >= 500
        )
          throw error;
        status = { state: "Failed", message: error.problems[0]?.message ?? error.message };
      }
      await hub.patch({ resource: CONFLICTS, name: key, subresource: "status" }, { status }, { signal });
    },
  };
}
