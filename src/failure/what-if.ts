/**
 * Changes to a federation that are only thought: a server more, a site less. The
 * result is planned and proved like a file; nothing is written anywhere.
 */
import { wrongUse } from "#base/errors.ts";
import { formatAddress, overlaps, toAddress, toCidr } from "#base/ipv4.ts";
import type { Federation, Server, Site } from "#model/federation.ts";
import { NAME } from "#model/formats.ts";

interface Edit {
  readonly sign: "+" | "-";
  readonly noun: string;
  readonly name: string;
  /** The part before the slash, or after the @. */
  readonly site: string | undefined;
}

/** What `--what-if` takes; shown in its help and in errors. */
const EDITS = [
  "+server SITE/NAME",
  "+witness SITE/NAME",
  "+site NAME",
  "+line SITE/NAME",
  "+backup NAME[@SITE]",
  "-server SITE/NAME",
  "-site NAME",
] as const;

/**
 * The federation with these changes made one after the other. What is added is
 * like what is there: a server like the largest of its site, a site like the
 * first. Errors: PROOF_EDIT, PROOF_EDIT_UNKNOWN (exit 2).
 */
export function applyEdits(federation: Federation, edits: readonly string[]): Federation {
  return edits.reduce((changed, text) => applyEdit(changed, parseEdit(text), text), federation);
}

function parseEdit(text: string): Edit {
  const match = /^([+-])\s*(server|witness|site|line|backup)\s+([^\s/@]+)(?:([/@])([^\s/@]+))?$/.exec(
    text.trim(),
  );
  const [, mark, noun, first = "", separator, second] = match ?? [];
  const sign = mark === "-" ? "-" : "+";
  const shaped =
    (sign === "+" || noun === "server" || noun === "site") &&
    (noun === "site" ? second === undefined : noun === "backup" ? separator !== "/" : separator === "/");
  if (!match || !shaped)
    throw wrongUse("PROOF_EDIT", `"${text}" is no change to try`, `write one of: ${EDITS.join(", ")}`);
  const [name, site] = separator === "/" ? [second ?? "", first] : [first, second];
  const fault = NAME.fault(name);
  if (fault) throw wrongUse("PROOF_EDIT", `in "${text}" ${fault.message}`, fault.hint);
  return { sign, noun: noun ?? "", name, site };
}

function applyEdit(federation: Federation, edit: Edit, text: string): Federation {
  const { sign, noun, name } = edit;
  if (noun === "site")
    return sign === "+" ? addSite(federation, name, text) : removeSite(federation, name, text);
  if (noun === "backup") {
    if (edit.site !== undefined) siteOf(federation, edit.site, text);
    const backup = { name, ...(edit.site !== undefined && { site: edit.site }) };
    return { ...federation, backups: [...federation.backups, backup] };
  }
  const site = siteOf(federation, edit.site ?? "", text);
  return replaceSite(
    federation,
    noun === "line" ? addLine(federation, site, name) : changeServer(site, edit, text),
  );
}

function changeServer(site: Site, { sign, noun, name }: Edit, text: string): Site {
  const present = site.servers.some((server) => server.name === name);
  if (sign === "-") {
    if (!present)
      throw unknown(
        text,
        `${site.name} has no server ${name}`,
        site.servers.map((server) => server.name),
      );
    return { ...site, servers: site.servers.filter((server) => server.name !== name) };
  }
  if (present)
    throw wrongUse(
      "PROOF_EDIT",
      `"${text}": ${site.name} already has a server ${name}`,
      "give it another name",
    );
  return {
    ...site,
    servers: [...site.servers, noun === "witness" ? witness(site, name) : likeLargest(site, name)],
  };
}

function likeLargest(site: Site, name: string): Server {
  const full = site.servers.filter(({ role }) => role === "full");
  const [largest] = full.toSorted((one, other) => other.memoryMiB - one.memoryMiB);
  if (!largest)
    throw wrongUse("PROOF_EDIT", `${site.name} has no full server to copy`, "add one to the file");
  return { ...largest, name, passthrough: [] };
}

/** Just enough for one control plane and dom0. */
function witness({ sizes }: Site, name: string): Server {
  const { cpus, memoryMiB, diskGiB } = sizes.controlplane;
  const dom0MemoryMiB = 2048;
  return {
    name,
    role: "witness",
    cpus,
    memoryMiB: memoryMiB + dom0MemoryMiB,
    dom0MemoryMiB,
    disks: [{ name: "ssd", sizeGiB: diskGiB }],
    passthrough: [],
    workers: 0,
    power: [],
    switches: [],
  };
}

/** A second line brings an address of its own; until now there was one line without a name. */
function addLine(federation: Federation, site: Site, name: string): Site {
  const { external, lines } = site.network;
  const address = unusedExternal(federation);
  const before = lines.length > 0 ? lines : [{ name: "first", external }];
  return {
    ...site,
    network: {
      ...site.network,
      external: [...external, address],
      lines: [...before, { name, external: [address] }],
    },
  };
}

function addSite(federation: Federation, name: string, text: string): Federation {
  if (federation.sites.some((site) => site.name === name))
    throw wrongUse("PROOF_EDIT", `"${text}": there already is a site ${name}`, "give it another name");
  const model = federation.sites.find((site) => site.name === federation.crown);
  if (!model) throw wrongUse("PROOF_EDIT", `"${text}": there is no site to copy`, "add it to the file");
  const lan = unusedLan(federation);
  const gateway = formatAddress(toCidr(lan).base + 1);
  const network: Site["network"] = {
    lan,
    gateway,
    external: [unusedExternal(federation)],
    lines: [],
    router: { power: [], switches: [] },
    reserved: [],
    resolvers: [gateway],
  };
  const site = { ...model, name, network };
  return { ...federation, sites: [...federation.sites, site] };
}

function removeSite(federation: Federation, name: string, text: string): Federation {
  siteOf(federation, name, text);
  const sites = federation.sites.filter((site) => site.name !== name);
  const heir = sites.find(({ kind }) => kind === "on-prem");
  if (!heir) throw wrongUse("PROOF_EDIT", `"${text}" would leave no site of your own`, "keep one");
  return {
    ...federation,
    crown: federation.crown === name ? heir.name : federation.crown,
    sites,
    backups: federation.backups.filter(({ site }) => site !== name),
    goals: federation.goals.flatMap((goal) => {
      if (goal.kind !== "survive" || goal.at === undefined) return [goal];
      const at = goal.at.filter((one) => one !== name);
      return at.length > 0 ? [{ ...goal, at }] : [];
    }),
  };
}

function unusedLan(federation: Federation): string {
  const used = federation.sites.flatMap(({ network }) =>
    [network.lan, network.pods, network.services].filter((text) => text !== undefined).map(toCidr),
  );
  for (let third = 0; third < 256; third++) {
    const lan = `172.31.${third}.0/24`;
    if (!used.some((network) => overlaps(network, toCidr(lan)))) return lan;
  }
  throw wrongUse("PROOF_EDIT", "no LAN is left for another site", "add the site to the file");
}

/** From the networks for documentation (RFC 5737), which nobody has. */
function unusedExternal(federation: Federation): string {
  const used = new Set(federation.sites.flatMap(({ network }) => network.external));
  const free = ["192.0.2.0", "198.51.100.0", "203.0.113.0"]
    .flatMap((base) => Array.from({ length: 254 }, (_, host) => formatAddress(toAddress(base) + host + 1)))
    .find((address) => !used.has(address));
  if (free === undefined)
    throw wrongUse("PROOF_EDIT", "no address is left for the example", "add it to the file");
  return free;
}

function siteOf(federation: Federation, name: string, text: string): Site {
  const site = federation.sites.find((one) => one.name === name);
  if (site) return site;
  throw unknown(
    text,
    `there is no site ${name}`,
    federation.sites.map((one) => one.name),
  );
}

function unknown(text: string, message: string, names: readonly string[]): Error {
  return wrongUse(
    "PROOF_EDIT_UNKNOWN",
    `"${text}": ${message}`,
    `there are: ${names.slice(0, 10).join(", ")}`,
  );
}

function replaceSite(federation: Federation, changed: Site): Federation {
  const sites = federation.sites.map((site) => (site.name === changed.name ? changed : site));
  return { ...federation, sites };
}
