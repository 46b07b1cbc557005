import type { Phase } from "../phase.ts";

export const ground: Phase = {
  name: "ground",
  title: "Ground",
  concurrency: 1,
  changes: async ({ hypervisor, site }) => {
    const lacks = await hypervisor.lacks(site);
    if (lacks.length === 0) return [];
    return [{ subject: site.name, what: `make ${lacks.join(", ")}`, apply: () => hypervisor.prepare(site) }];
  },
};
