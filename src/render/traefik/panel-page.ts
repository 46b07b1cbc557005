/**
 * The page at `control.<domain>/`: links to the site's panels and to the other
 * sites. Panels of services come and go, so the browser asks Traefik for them.
 */
import { sha256 } from "#base/hash.ts";
import type { Plan, SitePlan } from "#plan/plan.ts";
import { ecamPanelPath } from "../ecam/panel.ts";
import { html, join, page } from "../reports/html.ts";
import { ecamsOf } from "../target.ts";
import { API_PATH } from "./arguments.ts";

export interface PanelPage {
  readonly page: string;
  /** What a browser lets it do: its own script, which asks its own host. */
  readonly policy: string;
}

/** Text from outside is set as text, never as markup. */
const SCRIPT = `
fetch("${API_PATH}/api/http/routers?per_page=1000").then((answer) => answer.json()).then((routers) => {
  const list = document.getElementById("services");
  for (const router of routers) {
    if (!router.provider.startsWith("kubernetes") || !router.rule.includes('Host("control.')) continue;
    for (const [, path] of router.rule.matchAll(/Path(?:Prefix)?\\("([^"]+?)\\/?"\\)/g)) {
      if ([...list.querySelectorAll("a")].some((link) => link.getAttribute("href") === path + "/")) continue;
      const link = document.createElement("a");
      link.href = path + "/";
      link.textContent = path.slice(1);
      list.append(document.createElement("li"));
      list.lastChild.append(link);
    }
  }
});
`;

const STYLE =
  "body{font:16px/1.6 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}";

export function panelPage(plan: Plan, site: SitePlan): PanelPage {
  const link = (href: string, text: string) => html`<li><a href="${href}">${text}</a></li>`;
  const ours = [
    link(`${API_PATH}/`, "Traefik"),
    ...ecamsOf(site).map(({ name }) => link(ecamPanelPath(name), `HAProxy of ${name}`)),
  ];
  const sites = plan.sites.map(({ name, domain }) => link(`https://control.${domain}/`, name));
  const title = `Panels of ${site.name}`;
  const body = html`<h1>${title}</h1><ul>${join(ours)}</ul>
<h2>Services</h2><ul id="services"></ul>
<h2>Sites</h2><ul>${join(sites)}</ul>`;
  const allowed = [
    "default-src 'none'",
    `script-src 'sha256-${digest(SCRIPT)}'`,
    `style-src 'sha256-${digest(STYLE)}'`,
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ];
  return { page: page(title, STYLE, body, SCRIPT), policy: allowed.join("; ") };
}

function digest(text: string): string {
  return Buffer.from(sha256(text), "hex").toString("base64");
}
