/**
 * The failure proof as one page: the sites with each component marked by what its
 * loss does, every promise with what breaks it, the findings and the goals.
 */
import type { ComponentProof, Finding, GoalProof, PromiseProof, Proof } from "#failure/proof.ts";
import type { Federation } from "#model/federation.ts";
import type { MachinePlan, Plan, SitePlan } from "#plan/plan.ts";
import { html, join, type Markup, page } from "./html.ts";
import { PROOF_SCRIPT, PROOF_STYLE } from "./proof-style.ts";

export function proofPage(federation: Federation, plan: Plan, proof: Proof): string {
  const { promises, findings, goals } = proof;
  const body = html`
<h1>What ${federation.name} survives</h1>
<p class="muted">${plan.sites.length} sites, ${proof.components.length} components, smallest sets of up to ${proof.order} that break a promise${
    proof.without.length > 0 ? `; as if ${proof.without.join(", ")} had failed` : ""
  }.</p>
<h2>Goals</h2>
${goals.length > 0 ? html`<ul>${join(goals.map(goalItem))}</ul>` : html`<p>The file names none.</p>`}
<h2>Map</h2>
<p class="legend">What the loss of one component does:
<span class="all">✖ all: a promise to everybody, or data, is lost</span>
<span class="site">▲ site: a promise of its site is broken</span>
<span class="none">✓ nothing: others stand in</span></p>
<div class="map">${join(plan.sites.map((site) => siteBox(site, proof)))}${elsewhere(proof)}</div>
<h2>Promises</h2>
<p class="muted">Open one to see what breaks it; click a line to see its components on the map.</p>
${join(promises.map(promiseBox))}
<h2>Findings</h2>
${findings.length > 0 ? join(findings.map(findingBox)) : html`<p>Nothing was found wanting.</p>`}
`;
  return page(`What ${federation.name} survives`, PROOF_STYLE, body, PROOF_SCRIPT);
}

function goalItem({ goal, holds, broken, availability }: GoalProof): Markup {
  const figure = availability ? ` (it is ${percent(availability.is)})` : "";
  const reasons = broken
    .slice(0, 10)
    .map(
      ({ cut, breaks, why }) =>
        html`<li>${cut.join(" + ")} breaks ${breaks.join(", ")}: ${why.join(" → ")}</li>`,
    );
  return html`<li><strong>${holds ? "✓ holds" : "✖ broken"}</strong> ${goal}${figure}<ul>${join(reasons)}</ul></li>`;
}

function siteBox(site: SitePlan, proof: Proof): Markup {
  const own = proof.components.filter((component) => component.site === site.name);
  const machines = (server: string) => site.machines.filter((machine) => machine.server === server);
  const serverBoxes = site.servers.map((server) => {
    const prefix = `${site.name}/${server.name}`;
    const parts = own.filter(({ id }) => idName(id) === prefix || idName(id).startsWith(`${prefix}/`));
    return html`<div class="server">${join(parts.map((part) => chip(part)))}${join(machines(server.name).map((machine) => machineBox(machine, own)))}</div>`;
  });
  const names = new Set(site.machines.map(({ name }) => name));
  const inside = (component: ComponentProof) =>
    names.has(idName(component.id)) ||
    site.servers.some(({ name }) => `${idName(component.id)}/`.startsWith(`${site.name}/${name}/`));
  const shared = own.filter((component) => component.kind === "common-cause" || !inside(component));
  return html`<section class="place"><h3>${site.name}</h3>${join(shared.map((part) => chip(part)))}${join(serverBoxes)}</section>`;
}

function machineBox({ name }: MachinePlan, own: readonly ComponentProof[]): Markup {
  const parts = own.filter(({ id, kind }) => idName(id) === name && kind !== "common-cause");
  const label = ({ kind }: ComponentProof) => (kind === "machine" ? name : kind);
  return html`<div class="machine">${join(parts.map((part) => chip(part, label(part))))}</div>`;
}

function elsewhere({ components }: Proof): Markup {
  const others = components.filter(({ site }) => site === undefined);
  if (others.length === 0) return html``;
  return html`<section class="place"><h3>elsewhere</h3>${join(others.map((part) => chip(part)))}</section>`;
}

function chip(component: ComponentProof, label = component.id): Markup {
  const effect = effectOf(component);
  const does = component.breaks.length > 0 ? `breaks ${component.breaks.join(", ")}` : "breaks nothing alone";
  return html`<span class="chip ${effect}" data-component="${component.id}" title="${component.id}: ${does}; failed ${percent(component.unavailability)} of the time">${MARKS[effect]} ${label}</span>`;
}

const MARKS = { all: "✖", site: "▲", none: "✓" } as const;

function effectOf({ breaks }: ComponentProof): keyof typeof MARKS {
  if (breaks.some((id) => id === "somewhere" || id === "crown" || id === "backup" || id.startsWith("data:")))
    return "all";
  return breaks.length > 0 ? "site" : "none";
}

function promiseBox({
  id,
  says,
  holds,
  availability,
  outagesPerYear,
  cutCounts,
  cuts,
}: PromiseProof): Markup {
  const counts = cutCounts.map((number, index) => `${number} ${["alone", "in pairs", "in threes"][index]}`);
  const figure = holds
    ? `${percent(availability)} · ${outagesPerYear.toPrecision(2)} times a year · ${counts.join(", ")}`
    : "✖ broken with nothing failed";
  const rows = cuts.map(
    ({ components, share }) =>
      html`<tr class="cut" tabindex="0" data-cut="${JSON.stringify(components)}"><td class="number">${share < 0.0005 ? "< 0.1 %" : percent(share, 1)}</td><td>${components.join(" + ")}</td></tr>`,
  );
  return html`<details class="promise" id="${id}"><summary><span class="says">${says}</span><span class="figure">${figure}</span></summary>
<div><table><thead><tr><th>share</th><th>what breaks it</th></tr></thead><tbody>${join(rows)}</tbody></table></div></details>`;
}

function findingBox({ code, severity, message, why, remedy, hides }: Finding): Markup {
  const path = why.length > 1 ? html`<p class="muted">Why: ${why.join(" → ")}</p>` : html``;
  const hidden =
    hides.length > 0 ? html`<p class="muted">Nothing new beside it: ${hides.join(", ")}</p>` : html``;
  return html`<div class="finding ${severity}"><strong>${severity}</strong> <code>${code}</code><br>${message}.${path}
<p>Remedy: ${remedy.text}. Price: ${remedy.price}.</p>${hidden}</div>`;
}

/** `disk:attic/left/ssd` → `attic/left/ssd`. */
function idName(id: string): string {
  return id.slice(id.indexOf(":") + 1);
}

function percent(
  share: number,
  digits = Math.max(0, Math.floor(-Math.log10(Math.max(1e-12, 1 - share)))),
): string {
  return `${(share * 100).toFixed(digits)} %`;
}
