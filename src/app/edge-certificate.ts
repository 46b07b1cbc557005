/** The certificate that a site's ingress shows: the ACME authority's where there is one, our own authority's until then. */
import { acmeFolder, presentAcmeCertificate } from "#converge/pki/acme.ts";
import { edgeNames, ensureEdgeCertificate, presentEdgeCertificate } from "#converge/pki/edge.ts";
import type { KeyedCertificate } from "#converge/pki/x509.ts";
import { isUsable, standing } from "#lifecycle/certificates/standing.ts";
import type { Plan, SitePlan } from "#plan/plan.ts";
import { edgeFolder } from "./edge-folder.ts";

/**
 * A site is never without one: an authority that can't be reached, or that finds
 * no name servers yet, leaves it with our own. @param make whether one may be made
 */
export async function servedCertificate(
  plan: Plan,
  site: SitePlan,
  now: Date,
  make: boolean,
): Promise<KeyedCertificate | undefined> {
  const given = await acmeCertificate(plan, site);
  if (given && isUsable(standing(given.certificate, edgeNames(plan.domain, site), now))) return given;
  const own = make ? ensureEdgeCertificate : presentEdgeCertificate;
  return await own(edgeFolder(plan), plan.domain, site, now);
}

/** What the file's ACME authority gave, whatever it is worth by now. */
export async function acmeCertificate(plan: Plan, site: SitePlan): Promise<KeyedCertificate | undefined> {
  return plan.acme && presentAcmeCertificate(acmeFolder(edgeFolder(plan), plan.acme.directory), site.name);
}
