/**
 * What a site keeps for the day the operator's machine is lost: one file on each
 * of its control planes, which only root reads. It holds the plan, what the site
 * itself stands on (its authorities, its machines' host keys) and what the sites
 * share for names and front doors; never another site's authorities, and the operator's own
 * key only sealed. On servers the same file is on each of the site's servers.
 */
import { join } from "node:path";
import { z } from "zod";
import { worldFailed } from "#base/errors.ts";
import { stableJson } from "#base/hash.ts";
import type { Plan, SitePlan } from "#plan/plan.ts";
import type { RenderedFile } from "#render/files.ts";
import { readIfThere } from "./pki/store.ts";

export const KEPT_PATH = "/etc/panopticon/kept.json";

const KEPT = z.strictObject({
  version: z.literal(1),
  federation: z.string(),
  site: z.string(),
  /** Of the site, and of those that have no machines of ours; what other sites are is kept there. */
  plan: z.custom<Plan>(isPlan),
  /** By path below the state folder. */
  files: z.record(z.string(), z.string()),
});

export type Kept = z.infer<typeof KEPT>;

function isPlan(value: unknown): boolean {
  const plan = value as Partial<Plan> | null;
  return typeof plan === "object" && plan?.version === 1 && Array.isArray(plan.sites);
}

/** The operator's SSH key, sealed for the person's own; on servers only. */
export const SEALED_OPERATOR = "ssh/operator.sealed";

/** As what the certificate of a site's agent is kept, beside the authority that signed it. */
export function agentFile(site: string): string {
  return `agents/${site}`;
}

/** Everything that a site keeps, by path below the state folder; some of it may not exist. */
export function keptPaths(plan: Pick<Plan, "sites">, site: SitePlan): readonly string[] {
  const pki = ["ca", "etcd/ca", "front-proxy-ca"].flatMap((path) => [`${path}.crt`, `${path}.key`]);
  return [
    SEALED_OPERATOR,
    ...[...pki, "sa.key", "sa.pub", "admin.pem", "watchdog.pem"].map((path) => `pki/${site.name}/${path}`),
    // By which every site's agent is known to this one's API; signed by its own authority.
    ...plan.sites.map(({ name }) => `pki/${site.name}/${agentFile(name)}.pem`),
    ...site.machines.flatMap(({ name }) => [`ssh/hosts/${name}`, `ssh/hosts/${name}.pub`]),
    "names/authority.crt",
    "names/authority.key",
    "names/zone-key.pem",
    `names/${site.name}.pem`,
    `names/${site.name}.tsig`,
    "edge/ca.crt",
    "edge/ca.key",
    "edge/panels",
    `edge/site-${site.name}.pem`,
  ];
}

/** The file as the site's control planes have it, from what is in the state folder now. */
export async function keptFile(stateDir: string, plan: Plan, site: SitePlan): Promise<RenderedFile> {
  const found = await Promise.all(
    keptPaths(plan, site).map(async (path) => [path, await readIfThere(join(stateDir, path))] as const),
  );
  const files = Object.fromEntries(found.filter(([, content]) => content !== undefined));
  // Without reasons, which a second planning words differently.
  const own = plan.sites
    .filter((each) => each.name === site.name || each.kind !== "on-prem")
    .map((each) => ({ ...each, machines: each.machines.map((machine) => ({ ...machine, reasons: [] })) }));
  const kept = {
    version: 1,
    federation: plan.federation,
    site: site.name,
    plan: { ...plan, sites: own },
    files,
  };
  return { path: KEPT_PATH, content: `${stableJson(kept, 1)}\n`, mode: 0o600 };
}

/** ADOPT_UNREADABLE (exit 3) where the text is no such file; its content is never told. */
export function readKept(text: string, from: string): Kept {
  try {
    return KEPT.parse(JSON.parse(text));
  } catch {
    throw worldFailed(
      "ADOPT_UNREADABLE",
      `${KEPT_PATH} of ${from} is not what a bring-up writes.`,
      "Another control plane of the site may have it whole: remove it there, and run this again.",
    );
  }
}
