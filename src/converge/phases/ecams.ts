import { worldFailed } from "#base/errors.ts";
import { machinesOf } from "#plan/plan.ts";
import type { Phase, SiteContext } from "../phase.ts";
import { must, running } from "../remote.ts";
import { waitFor } from "../wait.ts";

/** VRRP settles within a second; a box that boots fourteen machines may need longer. */
const SETTLE_SECONDS = 30;

export const ecams: Phase = {
  name: "ecams",
  title: "ECAMs",
  concurrency: 1,
  changes: async (context) => {
    const up = await running(context);
    if ((await holdersOfVip(context, up)).length === 1) return [];
    const { vip } = context.site.network;
    return [
      {
        subject: context.site.name,
        what: `see the VIP ${vip} held by exactly one ECAM`,
        apply: () => settled(context),
      },
    ];
  },
};

/** Names of the running ECAMs that hold the site's VIP; exactly one is right. */
export async function holdersOfVip(
  context: SiteContext,
  up: ReadonlySet<string>,
): Promise<readonly string[]> {
  const { site } = context;
  const asked = machinesOf(site, "ecam").filter(({ name }) => up.has(name));
  const held = await Promise.all(
    asked.map(async ({ name }) => {
      const out = await must(context, name, ["ip", "-brief", "-4", "address", "show"]);
      return out.includes(` ${site.network.vip}/`) ? name : undefined;
    }),
  );
  return held.filter((name) => name !== undefined);
}

async function settled(context: SiteContext): Promise<void> {
  const { site } = context;
  await waitFor(`one ECAM of ${site.name} to hold ${site.network.vip}`, SETTLE_SECONDS, async () => {
    const names = await holdersOfVip(context, await running(context));
    if (names.length === 1) return names;
    throw worldFailed(
      "CONVERGE_VIP",
      names.length === 0 ? "no ECAM holds it" : `${names.join(" and ")} hold it at once`,
    );
  });
}
