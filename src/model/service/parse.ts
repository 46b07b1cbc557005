/** From a service file's text to a service, or to every mistake in it at once. */
import { parseCidr } from "#base/ipv4.ts";
import { parseBytes } from "#base/units.ts";
import type { SourceMap } from "../federation.ts";
import { failure, type FileKind, type Reading, readText, readValue } from "../read.ts";
import type { YamlReading } from "../yaml.ts";
import { serviceMistakes } from "./checks.ts";
import type { Destination, Service, ServicePlacement, ServicePort } from "./service.ts";
import { CPU, MEMORY_MIB, REPLICAS, serviceJsonSchema, serviceShape, START_SECONDS } from "./shape.ts";
import type { ServiceInput } from "./shape.ts";

const SERVICE: FileKind = {
  noun: "service",
  shape: serviceShape,
  schema: serviceJsonSchema(),
  begin: "begin with kind: Service; examples/services/hello.yaml shows a whole file",
};

export interface ServiceOptions {
  /** Added to host names of one label, such as `home.example`. */
  readonly domain?: string;
}

/** A checked file: the service, and where its parts stand in the text. */
export interface ServiceFile {
  readonly service: Service;
  readonly source: SourceMap;
}

/**
 * Reads a service file's text; `file` is its name, for messages. Throws one
 * PanopticonError (exit 1) that holds every mistake in the file's order.
 */
export function parseService(text: string, file: string, options: ServiceOptions = {}): ServiceFile {
  return checked(readText<ServiceInput>(text, file, SERVICE), file, options);
}

/** The same for values whose places are known, such as those made from a compose file. */
export function checkService(reading: YamlReading, file: string, options: ServiceOptions = {}): ServiceFile {
  return checked(readValue<ServiceInput>(reading, file, SERVICE), file, options);
}

function checked(
  { input, mistakes, places }: Reading<ServiceInput>,
  file: string,
  { domain }: ServiceOptions,
): ServiceFile {
  const all = [...mistakes, ...(input ? serviceMistakes(input, domain) : [])];
  if (all.length > 0) throw failure(all, file, places);
  const source = new Map(
    [...places.values].map(([path, offset]) => [path, { file, ...places.position(offset) }] as const),
  );
  // No mistake was found, so that no part is unknown.
  return { service: normalize(input as ServiceInput, domain), source };
}

function normalize(input: ServiceInput, domain: string | undefined): Service {
  const ports = portsOf(input);
  const { resources = {}, health = {}, security = {}, access = {}, totalReplicas } = input;
  const hosts = hostsOf(input, domain);
  const home = domain ?? parentOf(hosts[0]);
  const perSite = input.replicas ?? (input.volumes ? 1 : REPLICAS);
  return {
    name: input.name,
    namespace: input.namespace ?? input.name,
    image: input.image,
    ...(input.pullSecret !== undefined && { pullSecret: input.pullSecret }),
    ...(input.command && { command: input.command }),
    ...(input.arguments && { arguments: input.arguments }),
    ports,
    hosts,
    ...(home !== undefined && { domain: home }),
    replicas:
      totalReplicas === undefined
        ? { kind: "per-site", count: perSite }
        : { kind: "total", count: totalReplicas },
    resources: {
      milliCpus: Math.round((resources.cpu ?? CPU) * 1000),
      memoryMiB: resources.memory === undefined ? MEMORY_MIB : inUnits(resources.memory, 2 ** 20),
      memoryLimited: resources.memory !== undefined,
    },
    volumes: (input.volumes ?? []).map(({ size, ...volume }) => ({
      name: volume.name,
      path: volume.path,
      sizeGiB: inUnits(size, 2 ** 30),
      ...(volume.class !== undefined && { class: volume.class }),
    })),
    scratch: input.scratch ?? [],
    environment: input.environment ?? {},
    secrets: Object.fromEntries(
      Object.entries(input.secrets ?? {}).map(([name, reference]) => {
        const [secret = "", key = ""] = reference.split("/");
        return [name, { secret, key }];
      }),
    ),
    health: {
      ...(health.path !== undefined && { path: health.path }),
      ...(health.command && { command: health.command }),
      startSeconds: health.startSeconds ?? START_SECONDS,
    },
    placement: placementOf(input.placement),
    panels: (input.panels ?? []).map(({ name, path = "/", port }) => ({
      name,
      path,
      port: port ?? ports.find(({ protocol }) => protocol === "TCP")?.name ?? "",
    })),
    access: { from: access.from ?? [], to: (access.to ?? []).map(destinationOf) },
    security: {
      ...(security.user !== undefined && { user: security.user }),
      runAsRoot: security.runAsRoot ?? false,
      writableRoot: security.writableRoot ?? false,
      capabilities: [...new Set(security.capabilities)].toSorted(),
    },
  };
}

function portsOf({ port, ports }: ServiceInput): readonly ServicePort[] {
  if (ports)
    return ports.map((one) => ({
      name: one.name ?? "http",
      port: one.port,
      protocol: one.protocol ?? "TCP",
    }));
  return port === undefined ? [] : [{ name: "http", port, protocol: "TCP" }];
}

function hostsOf({ host = [] }: ServiceInput, domain: string | undefined): readonly string[] {
  const list = typeof host === "string" ? [host] : host;
  return list.map((name) => (name.includes(".") ? name : `${name}.${domain}`));
}

/** A service is one label below the domain, where the call does not say what that is. */
function parentOf(host: string | undefined): string | undefined {
  return host?.slice(host.indexOf(".") + 1);
}

function placementOf(placement: ServiceInput["placement"]): ServicePlacement {
  if (placement?.sites) return { kind: "sites", sites: placement.sites };
  return placement?.labels ? { kind: "labels", labels: placement.labels } : { kind: "everywhere" };
}

function destinationOf(text: string): Destination {
  if (text === "internet") return { kind: "internet" };
  return parseCidr(text) ? { kind: "network", cidr: text } : { kind: "namespace", name: text };
}

function inUnits(text: string, bytes: number): number {
  return Math.floor((parseBytes(text) ?? 0) / bytes);
}
