/** Names that must be known before any name server answers: /etc/hostname, /etc/hosts, /etc/resolv.conf. */
import type { RenderedFile } from "#render/files.ts";
import { emitHosts, emitResolvConf } from "../formats/lines.ts";
import { HOST_NAME, word } from "../refuse.ts";
import type { Target } from "../target.ts";

/** The machine's own name. */
export function hostnameFile({ machine }: Target): RenderedFile {
  return { path: "/etc/hostname", content: `${word(machine.name, "hostname", HOST_NAME)}\n`, mode: 0o644 };
}

/** Every machine of the site, and the API's name at the VIP: a site starts without its name servers. */
export function hostsFile({ site }: Target): RenderedFile {
  const content = emitHosts([
    { address: "127.0.0.1", names: ["localhost"] },
    { address: site.network.vip, names: [site.endpoint.name] },
    ...site.machines.map((machine) => ({ address: machine.address, names: [machine.name] })),
  ]);
  return { path: "/etc/hosts", content, mode: 0o644 };
}

/** The site's resolvers; a dead one costs a second, not five. */
export function resolvConfFile({ site }: Target): RenderedFile {
  const content = emitResolvConf(site.network.resolvers, ["timeout:1", "attempts:2"]);
  return { path: "/etc/resolv.conf", content, mode: 0o644 };
}
