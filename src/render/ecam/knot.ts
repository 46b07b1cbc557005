/**
 * Knot DNS on an ECAM: authoritative for the federation's domain. It loads the
 * zone from its file and what was changed since from its journal, never writes
 * the file, and takes changes from who has the site's key, whoever asks.
 */
import type { Plan, SitePlan } from "#plan/plan.ts";
import type { RenderedFile } from "#render/files.ts";
import { emitKnot } from "../formats/knot.ts";
import { emitSystemd } from "../formats/systemd.ts";
import { emitZone } from "../formats/zone.ts";
import { HOST_NAME, address, word } from "../refuse.ts";
import type { Target } from "../target.ts";
import { importZoneKey, SIGNED_ZONE, SIGNING_POLICY, ZONE_KEY_PATH, ZONE_KEY_RUNNING } from "./signing.ts";
import { zoneRecords } from "./zone.ts";

/** The site's key as Knot reads it, for root alone; brought by `converge`. */
export const TSIG_PATH = "/etc/panopticon/names/tsig.conf";
/** The same for Knot's user, while it runs. */
const TSIG_RUNNING = "/run/knot/tsig.conf";
export const NAMES_PORT = 53;

/** The name of the key by which a site's records are changed. */
export function tsigName(site: Pick<SitePlan, "name">): string {
  return `steering.${word(site.name, "knot.conf", HOST_NAME)}`;
}

/** What `TSIG_PATH` holds. @param secret base64 */
export function tsigFile(site: Pick<SitePlan, "name">, secret: string): string {
  const item = [
    ["id", tsigName(site)],
    ["algorithm", "hmac-sha256"],
    ["secret", secret],
  ] as const;
  return emitKnot([], [{ name: "key", list: true, items: [item] }]);
}

/** knot.conf, the zone, and how Knot gets its key. */
export function knotFiles(target: Target): RenderedFile[] {
  const { plan, site } = target;
  const zone = word(plan.domain, "knot.conf", HOST_NAME);
  const zoneFile = `/etc/knot/${zone}.zone`;
  return [
    { path: "/etc/knot/knot.conf", content: configuration(target, zone, zoneFile), mode: 0o644 },
    { path: zoneFile, content: emitZone(zoneRecords(plan, site)), mode: 0o644 },
    { path: "/etc/systemd/system/knot.service.d/10-panopticon.conf", content: dropIn(plan), mode: 0o644 },
  ];
}

function configuration({ plan, site, machine }: Target, zone: string, zoneFile: string): string {
  const listen = [machine.address, site.network.namesVip].map(
    (one) => `${address(one, machine.name)}@${NAMES_PORT}`,
  );
  return emitKnot(
    [TSIG_RUNNING],
    [
      {
        name: "server",
        list: false,
        items: [
          [
            ["rundir", "/run/knot"],
            ["user", "knot:knot"],
            ["listen", listen],
            // Without it every answer names the same site first, and clients take the first.
            ["answer-rotation", true],
            // Strangers need not know what answers them.
            ["version", ""],
            ["identity", ""],
          ],
        ],
      },
      {
        name: "log",
        list: true,
        items: [
          [
            ["target", "stderr"],
            ["any", "info"],
          ],
        ],
      },
      { name: "database", list: false, items: [[["storage", "/var/lib/knot"]]] },
      {
        name: "acl",
        list: true,
        items: [
          [
            ["id", "steering"],
            ["key", tsigName(site)],
            ["action", ["update", "transfer"]],
          ],
        ],
      },
      ...(plan.dnssec ? [SIGNING_POLICY] : []),
      {
        name: "zone",
        list: true,
        items: [
          [
            ["domain", zone],
            ["file", zoneFile],
            // Were the file compared with what is served, a restart would take back what was changed.
            ["zonefile-load", "whole"],
            ["zonefile-sync", "-1"],
            ["journal-content", "changes"],
            ["journal-max-usage", "64M"],
            ["acl", "steering"],
            ...(plan.dnssec ? SIGNED_ZONE : []),
          ],
        ],
      },
    ],
  );
}

/** Keys are root's; Knot, which never is root, gets copies of them in memory before it starts. */
function dropIn(plan: Plan): string {
  const before: readonly (readonly string[])[] = [
    [],
    ownCopy(TSIG_PATH, TSIG_RUNNING),
    ["/usr/sbin/knotc", "conf-check"],
    ...(plan.dnssec ? [ownCopy(ZONE_KEY_PATH, ZONE_KEY_RUNNING), importZoneKey(plan.domain)] : []),
  ];
  return emitSystemd([
    {
      name: "Service",
      entries: [
        ["Restart", "always"],
        ["RestartSec", "1s"],
        ...before.map((argv) => ["ExecStartPre", { argv }] as const),
      ],
    },
  ]);
}

function ownCopy(from: string, to: string): readonly string[] {
  return ["+/usr/bin/install", "-o", "knot", "-g", "knot", "-m", "0400", from, to];
}
