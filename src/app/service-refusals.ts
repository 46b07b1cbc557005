/** Why a service can't be deployed as its file says, each with its place in the file. */
import { PanopticonError } from "#base/errors.ts";
import type { FederatedResource } from "#control/federation/api/federated.ts";
import { at } from "#control/federation/json.ts";
import type { Part } from "#lifecycle/service/part.ts";
import type { ServiceFile } from "#model/service/parse.ts";
import { NAME_LABEL } from "#render/service/manifest.ts";
import type { KnownSite } from "./service-hub.ts";

export function refused(
  { source }: ServiceFile,
  subject: string,
  code: string,
  message: string,
  hint: string,
): PanopticonError {
  const place = source.get(subject);
  return new PanopticonError([{ code, message, hint, subject, ...(place && { at: place }) }], 1);
}

export function refuseUnknownSites(file: ServiceFile, clusters: readonly KnownSite[]): void {
  const { placement } = file.service;
  if (placement.kind !== "sites") return;
  const names = clusters.map(({ name }) => name);
  const index = placement.sites.findIndex((site) => !names.includes(site));
  if (index < 0) return;
  throw refused(
    file,
    `placement.sites[${index}]`,
    "SERVICE_SITE_UNKNOWN",
    `the federation has no site ${placement.sites[index]}`,
    `Its sites are ${names.join(", ")}.`,
  );
}

export function refuseElsewhere(file: ServiceFile, own: readonly Part[]): void {
  const { name, namespace } = file.service;
  const other = own.find(({ ref }) => ref.namespace !== namespace)?.ref.namespace;
  if (other === undefined) return;
  throw refused(
    file,
    "name",
    "SERVICE_ELSEWHERE",
    `there is a service ${name} in the namespace ${other} already`,
    `Choose another name, write namespace: ${other}, or remove that one: panopticon service remove ${name}`,
  );
}

/** Two services at one name would answer by turns. */
export function refuseTakenHosts(file: ServiceFile, all: readonly Part[]): void {
  const { name, hosts } = file.service;
  for (const { resource } of all.filter((one) => one.resource.kind === "FederatedIngress")) {
    const other = resource.metadata?.labels?.[NAME_LABEL] ?? "";
    const taken = hostsIn(resource).find((host) => hosts.includes(host));
    if (other === name || taken === undefined) continue;
    const subject = file.source.has("host[0]") ? `host[${hosts.indexOf(taken)}]` : "host";
    throw refused(
      file,
      subject,
      "SERVICE_HOST_TAKEN",
      `the service ${other} answers at ${taken} already`,
      "Choose another host name.",
    );
  }
}

/** The host names of a federated Ingress. */
export function hostsIn(resource: FederatedResource | undefined): readonly string[] {
  const rules = at(resource?.spec?.template, "spec", "rules");
  return Array.isArray(rules) ? rules.map((rule) => String(at(rule, "host"))) : [];
}

export function nowhere(file: ServiceFile, clusters: readonly KnownSite[]): PanopticonError {
  const names = clusters.map(({ name, labels }) => {
    const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    return pairs.length > 0 ? `${name} (${pairs.join(", ")})` : name;
  });
  return refused(
    file,
    "placement.labels",
    "SERVICE_NOWHERE",
    "no site of the federation has these labels",
    names.length > 0 ? `Its sites are ${names.join("; ")}.` : "No site's agent has registered yet.",
  );
}
