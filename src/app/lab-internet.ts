/** What somebody outside sees of a lab: names as a resolver finds them, and pages as a browser gets them. */
import { existsSync } from "node:fs";
import { wrongUse, worldFailed } from "#base/errors.ts";
import { edgeAuthorityFile } from "#converge/pki/edge.ts";
import { askFromOutside, type Heard, outside } from "#drivers/lab/internet.ts";
import { labNames } from "#drivers/lab/names.ts";
import type { Plan } from "#plan/plan.ts";
import { edgeFolder } from "./edge-folder.ts";
import { onPrem } from "./site-context.ts";

/** Names are taken over into arguments of programs: nothing but what a name can be. */
const NAME =
  /^(?=.{1,253}$)(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

export interface SiteHeard extends Heard {
  /** Whose name server it was. */
  readonly site: string;
}

/** What each site's name server says, asked from outside by its first external address; LAB_NAME for what is no name. */
export async function labDig(plan: Plan, name: string, type: string): Promise<readonly SiteHeard[]> {
  refuseNoName(name);
  const names = labNames(plan.federation);
  return Promise.all(
    onPrem(plan).map(async ({ name: site, network }) => {
      const server = network.external[0] ?? network.namesVip;
      return { site, ...(await askFromOutside(names, server, name, type)) };
    }),
  );
}

/**
 * The curl that fetches a URL from outside: its name is resolved as a resolver
 * does that has just learnt the domain's name servers, the first that answers
 * being believed. Errors: LAB_URL, LAB_NAME, LAB_NO_ADDRESS.
 */
export async function labCurl(
  plan: Plan,
  url: string,
  more: readonly string[],
  authorityFile: string | undefined,
): Promise<readonly string[]> {
  const { hostname, port, protocol } = parsed(url);
  const heard = await labDig(plan, hostname, "A");
  const addresses = heard.find(({ records }) => records.length > 0)?.records.map(({ value }) => value) ?? [];
  if (addresses.length === 0) throw unresolved(hostname, heard);
  const at = port || (protocol === "https:" ? "443" : "80");
  const trusting = authorityFile === undefined ? [] : ["--cacert", authorityFile];
  const argv = [
    ["curl", "--silent", "--show-error", "--connect-timeout", "3"],
    ["--resolve", `${hostname}:${at}:${addresses.join(",")}`],
    [...trusting, ...more, url],
  ];
  return outside(labNames(plan.federation), argv.flat());
}

/** The file that a client of the sites has to trust; undefined before there is one, and where everybody trusts them. */
export function edgeAuthority(plan: Plan): string | undefined {
  if (plan.acme) return plan.acme.authorityFile;
  const file = edgeAuthorityFile(edgeFolder(plan));
  return existsSync(file) ? file : undefined;
}

function parsed(url: string): URL {
  const found = URL.parse(url.includes("://") ? url : `https://${url}`);
  if (found && /^https?:$/.test(found.protocol) && !url.startsWith("-")) return found;
  throw wrongUse("LAB_URL", `${url} is no address of a page.`, "Write it as https://echo.home.test/.");
}

function refuseNoName(name: string): void {
  if (NAME.test(name)) return;
  throw wrongUse("LAB_NAME", `${name} is no name that a name server knows.`, "Write it as echo.home.test.");
}

function unresolved(name: string, heard: readonly SiteHeard[]) {
  const said = heard.map(({ site, server, failure }) => `${site} (${server}): ${failure ?? "no address"}`);
  return worldFailed(
    "LAB_NO_ADDRESS",
    `no site's name server gives ${name} an address: ${said.join("; ")}`,
    "`panopticon lab status` shows whether the sites are up; `panopticon service list` what is deployed.",
  );
}
