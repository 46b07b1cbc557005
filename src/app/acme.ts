/** The ACME authority that the file names, and the name servers at which names are proved to it. */
import { worldFailed } from "#base/errors.ts";
import { keyFolders } from "#converge/keyring.ts";
import { ensureAccountKey } from "#converge/pki/acme.ts";
import { presentTsigSecret } from "#converge/pki/names.ts";
import { openAcme } from "#drivers/acme/client.ts";
import { openNameServer } from "#drivers/dns/server.ts";
import type { SiteServers } from "#lifecycle/certificates/proofs.ts";
import type { AcmeAuthority } from "#model/federation.ts";
import { machinesOf, type Plan, type SitePlan } from "#plan/plan.ts";
import type { Acme } from "#ports/acme.ts";
import { NAMES_PORT, tsigName } from "#render/ecam/knot.ts";
import { namedSites } from "#render/ecam/zone.ts";
import { readText } from "./files.ts";
import { stateDir } from "./folders.ts";

const ANSWER_MS = 2000;

/** Asked with the account whose key is kept in `folder`. Errors: CLI_FILE_… for the authority's file. */
export async function openAuthority(
  folder: string,
  { directory, email, authorityFile }: AcmeAuthority,
): Promise<Acme> {
  const hint = "See `certificates.acme.authorityFile` in the file; a public authority needs none.";
  const authority = authorityFile === undefined ? undefined : await readText(authorityFile, hint);
  return openAcme({
    directory,
    email,
    accountKey: await ensureAccountKey(folder),
    ...(authority !== undefined && { authority }),
  });
}

/** Every name server of every site, at its machine's own address; NAMES_KEY_FILE where a site's key is not here. */
export async function siteServers(plan: Plan): Promise<readonly SiteServers[]> {
  const { names } = keyFolders(stateDir(plan.federation));
  return await Promise.all(
    namedSites(plan).map(async (site) => ({
      site: site.name,
      servers: serversOf(plan, site, await secretOf(names, site)),
    })),
  );
}

function serversOf({ domain }: Plan, site: SitePlan, secret: Buffer) {
  return machinesOf(site, "ecam").map(({ name, address }) =>
    openNameServer({
      name,
      address,
      port: NAMES_PORT,
      zone: domain,
      key: { name: tsigName(site), secret },
      timeoutMs: ANSWER_MS,
    }),
  );
}

async function secretOf(folder: string, { name }: SitePlan): Promise<Buffer> {
  const secret = await presentTsigSecret(folder, name);
  if (secret) return secret;
  throw worldFailed(
    "NAMES_KEY_FILE",
    `${folder} has no key by which the records of ${name} are changed`,
    "Bring the sites up first: panopticon lab up.",
  );
}
