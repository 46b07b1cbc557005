/** At every site: takes back what the agents of removed sites may do here. */
import type { Controller, Input } from "#control/runtime/controller.ts";
import type { Crown } from "../api/crown.ts";
import { CROWN_NAME } from "../api/names.ts";
import { wasRemoved } from "../crown/departure.ts";
import { revokeSite } from "./leave.ts";
import { CROWNS } from "./resources.ts";

export function revocationController(): Controller {
  const revoked = new Set<string>();
  const crowns: Input<Crown> = {
    cluster: "site",
    resource: CROWNS,
    work: () => [{ group: "sites", key: "departed" }],
  };
  return {
    name: "revocation",
    inputs: [crowns],
    outputs: [
      {
        cluster: "site",
        group: "rbac.authorization.k8s.io",
        plural: "*",
        part: "what agents of removed sites had",
      },
    ],
    async reconcile(_work, context, signal) {
      const spec = context.cache(crowns).get(CROWN_NAME)?.spec;
      const gone = new Set((spec?.departed ?? []).map(({ name }) => name));
      for (const name of revoked) if (!gone.has(name)) revoked.delete(name);
      for (const name of gone) {
        if (!spec || revoked.has(name) || !wasRemoved(spec, name)) continue;
        await revokeSite(context.kube("site"), name, signal);
        revoked.add(name);
      }
    },
  };
}
