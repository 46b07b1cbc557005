import { machinesOf } from "#plan/plan.ts";
import type { Phase } from "../phase.ts";
import { inspect, running } from "../remote.ts";

/** What another operator's machine would need is on every control plane. */
export const kept: Phase = {
  name: "kept",
  title: "What is kept for adoption",
  concurrency: 4,
  changes: async (context) => {
    if (!context.kept) return [];
    const file = await context.kept();
    const up = await running(context);
    const planned = machinesOf(context.site, "controlplane");
    const stale = await Promise.all(
      planned.map(async ({ name }) => {
        const wanted = { files: [file], services: [], marks: [] };
        return !up.has(name) || (await inspect(context, name, wanted)).stale.length > 0;
      }),
    );
    return planned
      .filter((_machine, index) => stale[index])
      .map(({ name }) => ({
        subject: name,
        what: "keep what `panopticon adopt` would need there",
        // Asked anew: what the phases before made belongs to it.
        apply: async () => context.shell.put(name, [await (context.kept?.() ?? file)]),
      }));
  },
};
