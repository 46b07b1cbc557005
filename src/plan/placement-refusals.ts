import { PanopticonError, type Problem } from "#base/errors.ts";
import { formatMiB } from "#base/units.ts";
import { cutsQuickly, describeLoad, type Host, loadOf } from "./capacity.ts";
import { problemAt } from "./problem.ts";
import type { SiteInput } from "./site-input.ts";

/** VRRP priorities are 1 to 254; 255 belongs to a router that owns the address (RFC 9568). */
export const MOST_ECAMS = 254;

/** Refuses a site that no spread could make right. */
export function checkSite(input: SiteInput, hosts: readonly Host[]): void {
  const { file, site, path } = input;
  const problems: Problem[] = [];
  const full = hosts.filter(({ server }) => server.role === "full").length;
  if (full > MOST_ECAMS)
    problems.push(
      problemAt(
        file,
        `${path}.servers`,
        "PLAN_TOO_MANY_ECAMS",
        `site ${site.name} has ${full} full servers with an ECAM each, and VRRP tells only ${MOST_ECAMS} apart by priority`,
        "split the site in two",
      ),
    );
  if (full === 0)
    problems.push(
      problemAt(
        file,
        `${path}.servers`,
        "PLAN_NO_FULL_SERVER",
        `site ${site.name} has no full server, so nothing can carry its ECAM and workers`,
        "add a server that is not a witness",
      ),
    );
  const required = hosts.filter((host) => host.required > 0);
  if (required.length > site.controlplanes)
    problems.push(
      problemAt(
        file,
        `${path}.controlplanes`,
        "PLAN_TOO_FEW_CONTROLPLANES",
        `site ${site.name} has ${site.controlplanes} control planes, but ${required.length} servers must carry one: ${required.map(({ server }) => server.name).join(", ")}`,
        "ask for more control planes, or remove a witness or a device passed to a control plane",
      ),
    );
  if (problems.length > 0) throw new PanopticonError(problems, 1);
}

/** Says what each server has room for. */
export function tooLittleRoom({ file, site, path }: SiteInput, hosts: readonly Host[]): PanopticonError {
  const rooms = hosts.map(
    ({ server, room, limit }) => `${server.name} has room for ${room} (limited by ${limit})`,
  );
  const size = site.sizes.controlplane;
  return new PanopticonError(
    [
      problemAt(
        file,
        `${path}.controlplanes`,
        "PLAN_CONTROLPLANES_DO_NOT_FIT",
        `site ${site.name} cannot place ${site.controlplanes} control planes of ${size.cpus} vCPUs, ${formatMiB(size.memoryMiB)} and ${size.diskGiB} GiB of disk: ${rooms.join(", ")}`,
        `give a server more, add a server or a witness, or lower ${path}.sizes or controlplanes`,
      ),
    ],
    1,
  );
}

/** Says which servers' disks no way of cutting fits. */
export function uncuttable(
  { file, site, path }: SiteInput,
  hosts: readonly Host[],
  counts: readonly number[],
): PanopticonError {
  const problems = hosts
    .map((host) => ({ host, load: loadOf(host.server, counts[host.index] ?? 0) }))
    .filter(({ host, load }) => !cutsQuickly(site, host.server, load))
    .map(({ host: { server, index }, load }) =>
      problemAt(
        file,
        `${path}.servers[${index}].disks`,
        "PLAN_DISKS_CANNOT_BE_CUT",
        `the root disks of ${describeLoad(load)} cannot be cut from the disks of server ${server.name}: ${server.disks.map(({ name, sizeGiB }) => `${name} has ${sizeGiB} GiB`).join(", ")}; no other spread of site ${site.name}'s ${site.controlplanes} control planes fits either`,
        `give the server one larger disk, or lower the disks in ${path}.sizes`,
      ),
    );
  return new PanopticonError(problems, 1);
}
