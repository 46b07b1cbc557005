/** The page for the person who sets a site's router up. */
import type { Plan, SitePlan } from "#plan/plan.ts";
import { html, join, type Markup, page } from "../reports/html.ts";
import { type Forward, forwardsOf } from "./forwards.ts";

/** One page that needs nothing beside itself. */
export function routerPage(plan: Plan, site: SitePlan): string {
  const { external, gateway, lan } = site.network;
  const body = html`<main>
<h1>The router of ${site.name}</h1>
<p>Site ${site.number} of ${plan.federation}. The router is ${gateway} in the LAN ${lan}.</p>
<h2>Pass on</h2>
<p>For ${external.length > 1 ? "each external address" : "the external address"} ${external.join(", ")}, to the same port inside:</p>
<table>
<thead><tr><th>Protocol</th><th>Port</th><th>To</th><th>What for</th></tr></thead>
<tbody>
${join(forwardsOf(site).map(row))}
</tbody>
</table>
<h2>Leave free</h2>
<p>The router's own address service (DHCP) must not give these away: ${reservedWords(site)}.</p>
<h2>Also</h2>
<ul>
<li>Where a device in the LAN asks for ${plan.domain}, it asks for an external address: the router must pass that on too (NAT loopback, hairpin NAT). Most do.</li>
<li>Where the provider gives a new external address now and then, the file's <code>external</code> has to follow.</li>
</ul>
</main>`;
  return page(`Router of ${site.name}`, STYLE, body);
}

function row({ protocol, port, to, why }: Forward): Markup {
  return html`<tr><td>${protocol.toUpperCase()}</td><td>${port}</td><td>${to}</td><td>${why}</td></tr>`;
}

function reservedWords({ network, machines }: SitePlan): string {
  const single = [network.vip, network.namesVip, network.operator, ...machines.map(({ address }) => address)];
  return [`${network.ingress.first} to ${network.ingress.last}`, ...single].join(", ");
}

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 46rem; margin: 0 auto; padding: 2rem 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 0.4rem 0.8rem 0.4rem 0; border-bottom: 1px solid #8886; }
td:nth-child(2), td:nth-child(3) { font-variant-numeric: tabular-nums; }
`;
