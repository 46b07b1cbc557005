/** The sites' certificates: how each stands, and its renewal with whichever authority the file names. */
import { PanopticonError, type Problem, worldFailed } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { systemClock } from "#control/runtime/clock.ts";
import type { Gate } from "#converge/gate.ts";
import { allApplied, applyAll } from "#converge/objects.ts";
import type { SiteContext } from "#converge/phase.ts";
import { acmeFolder, keepAcmeCertificate, type OrderStore, orderStore } from "#converge/pki/acme.ts";
import {
  edgeNames,
  ensureEdgeCertificate,
  keptEdgeCertificate,
  presentEdgeCertificate,
} from "#converge/pki/edge.ts";
import { CLIENT_RENEW_DAYS } from "#converge/pki/site.ts";
import type { Applied, KubeObject } from "#ports/kube.ts";
import { issueCertificate, removeLeftovers } from "#lifecycle/certificates/issue.ts";
import { type Standing, standing } from "#lifecycle/certificates/standing.ts";
import type { AcmeAuthority } from "#model/federation.ts";
import type { Plan, SitePlan } from "#plan/plan.ts";
import { openAuthority, siteServers } from "./acme.ts";
import { acmeCertificate } from "./edge-certificate.ts";
import { edgeFolder } from "./edge-folder.ts";
import { certificateObject } from "./ingress.ts";

const PHASE = "certificates";
/** How long name servers may take to show a proof. */
const PROOF_SECONDS = 60;

export interface SiteCertificate {
  readonly site: string;
  readonly names: readonly string[];
  /** `private`, or the URL of an ACME authority's directory. */
  readonly authority: string;
  readonly standing: Standing;
  /** TXT records of an order that may still be at name servers. */
  readonly left: number;
}

/** How each site's certificate stands by what is kept here; no site is asked. */
export async function siteCertificates(plan: Plan, now: Date): Promise<readonly SiteCertificate[]> {
  const sites = plan.sites.filter(({ kind }) => kind === "on-prem");
  return await Promise.all(sites.map((site) => siteCertificate(plan, site, now)));
}

async function siteCertificate(plan: Plan, site: SitePlan, now: Date): Promise<SiteCertificate> {
  const names = edgeNames(plan.domain, site);
  const { acme } = plan;
  const kept = await (acme ? acmeCertificate(plan, site) : keptEdgeCertificate(edgeFolder(plan), site));
  const order = acme && (await storeOf(plan, acme, site).read());
  return {
    site: site.name,
    names,
    authority: acme ? acme.directory : "private",
    standing: standing(kept?.certificate, names, now, acme ? undefined : CLIENT_RENEW_DAYS),
    left: order?.proofs.length ?? 0,
  };
}

export interface RenewOptions {
  /** The sites it is about. */
  readonly contexts: readonly SiteContext[];
  readonly gate: Gate;
  readonly emit: Emit;
  readonly proofSeconds?: number;
}

/**
 * Renews what is due and gives each ingress what it lacks, sites side by side; a
 * site that fails does not hold up another, and the errors of all are thrown at
 * the end. @returns the number of changes, in a dry run of those that would be made
 */
export async function renewCertificates(plan: Plan, options: RenewOptions): Promise<number> {
  const problems: Problem[] = [];
  const one = async (context: SiteContext): Promise<number> => {
    try {
      return await renewSite(context, plan, options);
    } catch (error) {
      if (!(error instanceof PanopticonError)) throw error;
      problems.push(...error.problems);
      return 0;
    }
  };
  const changes = await Promise.all(options.contexts.map(one));
  if (problems.length > 0) throw new PanopticonError(unique(problems), 3);
  return changes.reduce((sum, number) => sum + number, 0);
}

/** The same at the end of bringing sites up, where an ACME authority is named. What goes wrong is told and fails nothing: each site has a certificate of our own meanwhile. */
export async function ensureAcmeCertificates(plan: Plan, options: RenewOptions): Promise<number> {
  if (!plan.acme) return 0;
  try {
    return await renewCertificates(plan, options);
  } catch (error) {
    if (!(error instanceof PanopticonError)) throw error;
    const what = `sites show certificates of the private authority: ${error.message}`;
    options.emit({ kind: "note", subject: plan.federation, what });
    return 0;
  }
}

async function renewSite(context: SiteContext, plan: Plan, options: RenewOptions): Promise<number> {
  const { gate } = options;
  const { site } = context;
  const renewal = plan.acme
    ? await acmeRenewal(context, plan, plan.acme, options)
    : await privateRenewal(context, plan);
  if (renewal) await gate.pass(site.name, PHASE, { subject: site.name, ...renewal });
  return (renewal ? 1 : 0) + (await deliver(context, gate));
}

interface Renewal {
  readonly what: string;
  apply(): Promise<void>;
}

async function acmeRenewal(
  { site, now }: SiteContext,
  plan: Plan,
  acme: AcmeAuthority,
  { emit, proofSeconds = PROOF_SECONDS }: RenewOptions,
): Promise<Renewal | undefined> {
  const { standing: state, names, left } = await siteCertificate(plan, site, now());
  const store = storeOf(plan, acme, site);
  const folder = acmeFolder(edgeFolder(plan), acme.directory);
  if (state.state === "good") {
    if (left === 0) return undefined;
    return {
      what: "take away the TXT records that an order left at name servers",
      apply: async () =>
        removeLeftovers({ store, emit, clock: systemClock, servers: await siteServers(plan) }),
    };
  }
  return {
    what: `get a certificate for ${names.join(", ")} from ${acme.directory}`,
    apply: async () => {
      const authority = await openAuthority(folder, acme);
      try {
        await issueCertificate({
          site: site.name,
          names,
          acme: authority,
          servers: await siteServers(plan),
          store,
          keep: (certificate) => keepAcmeCertificate(folder, site.name, certificate),
          clock: systemClock,
          emit,
          seconds: proofSeconds,
        });
      } finally {
        await authority.close();
      }
    },
  };
}

async function privateRenewal({ site, now }: SiteContext, plan: Plan): Promise<Renewal | undefined> {
  const folder = edgeFolder(plan);
  if (await presentEdgeCertificate(folder, plan.domain, site, now())) return undefined;
  return {
    what: "make a certificate with the private authority",
    apply: async () => void (await ensureEdgeCertificate(folder, plan.domain, site, now())),
  };
}

/** Gives the site's ingress its certificate, where it has another one. */
async function deliver(context: SiteContext, gate: Gate): Promise<number> {
  const { site } = context;
  const object = await certificateObject(context, !gate.dryRun);
  // In a dry run it may be one that does not exist yet.
  if (object === undefined) return 0;
  const wanted = [object as Applied<KubeObject>];
  try {
    const kube = await context.kube();
    if (await allApplied(kube, wanted)) return 0;
    const what = "give the ingress its certificate";
    await gate.pass(site.name, PHASE, { subject: site.name, what, apply: () => applyAll(kube, wanted) });
    return 1;
  } catch (error) {
    if (!(error instanceof PanopticonError)) throw error;
    throw worldFailed(
      "CERTIFICATE_NOT_DELIVERED",
      `the ingress of ${site.name} can't be given its certificate: ${error.problems[0]?.message ?? error.message}`,
      "The certificate is kept here: run `panopticon certificate renew` again when the site answers.",
      error,
    );
  }
}

function storeOf(plan: Plan, acme: AcmeAuthority, site: SitePlan): OrderStore {
  return orderStore(acmeFolder(edgeFolder(plan), acme.directory), site.name);
}

/** What is wrong with an authority or a name server is wrong for every site: told once. */
function unique(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Map(problems.map((problem) => [`${problem.code} ${problem.message}`, problem]));
  return [...seen.values()];
}
