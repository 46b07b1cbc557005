/** What the steering of one site, or of the witness, is told by files. */
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { parseAddress } from "#base/ipv4.ts";
import { wrongUse } from "#base/errors.ts";
import type { SteeringConfig } from "#render/ecam/steering.ts";
import { readText } from "../files.ts";

const HINT = "Name the file that was rendered for this machine, with its keys beside it.";

const address = z.string().refine((text) => parseAddress(text) !== undefined, "no IPv4 address");
const port = z.int().min(1).max(65_535);
const name = z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/);

const CONFIG = z.strictObject({
  self: name,
  domain: name,
  sites: z.array(z.strictObject({ name, domain: name, external: z.array(address).min(1) })).min(1),
  witness: z.strictObject({ name, address }).exactOptional(),
  tls: z.strictObject({ authority: z.string(), certificate: z.string(), key: z.string() }),
  own: z
    .strictObject({
      activeAddress: address,
      ingress: address,
      servers: z.array(z.strictObject({ name, address, port })).min(1),
      tsig: z.strictObject({ name, secretFile: z.string() }),
      hosts: z.string().exactOptional(),
    })
    .exactOptional(),
  listen: z.strictObject({ address: address.exactOptional(), port }).exactOptional(),
  probe: z.strictObject({
    port: port.exactOptional(),
    intervalMs: z.int().min(100).max(60_000).exactOptional(),
    timeoutMs: z.int().min(50).max(60_000).exactOptional(),
    authority: z.string(),
    publicAuthorities: z.boolean(),
  }),
  services: z.string().exactOptional(),
  status: z.string(),
}) satisfies z.ZodType<SteeringConfig>;

export interface LoadedConfig extends SteeringConfig {
  /** A path from the folder of the configuration. */
  readonly at: (file: string) => string;
}

/** Reads the configuration. Errors: CLI_FILE_…, NAMES_CONFIG (exit 2). */
export async function readSteeringConfig(file: string): Promise<LoadedConfig> {
  const config = parseSteeringConfig(await readText(file, HINT), file);
  return { ...config, at: (path) => resolve(dirname(file), path) };
}

/** The same from its text. */
export function parseSteeringConfig(text: string, file: string): SteeringConfig {
  const { data, error } = CONFIG.safeParse(parsed(text));
  if (!data) throw wrong(file, z.prettifyError(error));
  const voters = [...data.sites.map((site) => site.name), ...(data.witness ? [data.witness.name] : [])];
  if (!voters.includes(data.self)) throw wrong(file, `self, ${data.self}, is neither a site nor the witness`);
  if (new Set(voters).size < voters.length) throw wrong(file, "two voters have the same name");
  return data;
}

/** What runs where, and under which names. */
export interface SteeredService {
  readonly name: string;
  readonly hosts: readonly string[];
  /** Names of sites; all of them where not given. */
  readonly sites?: readonly string[];
}

const SERVICES = z.strictObject({
  services: z.array(
    z.strictObject({
      name: z.string(),
      hosts: z.array(name),
      sites: z.array(z.string()).min(1).exactOptional(),
    }),
  ),
}) satisfies z.ZodType<{ readonly services: readonly SteeredService[] }>;

/** Reads a list of services; NAMES_CONFIG where it is none. */
export function parseServices(text: string, file: string): readonly SteeredService[] {
  const { data, error } = SERVICES.safeParse(parsed(text));
  if (!data) throw wrong(file, z.prettifyError(error));
  return data.services;
}

const HOSTS = z.strictObject({ hosts: z.array(name) });

/** Reads the list of host names that a site has; NAMES_CONFIG where it is none. */
export function parseHosts(text: string, file: string): readonly string[] {
  const { data, error } = HOSTS.safeParse(parsed(text));
  if (!data) throw wrong(file, z.prettifyError(error));
  return data.hosts;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function wrong(file: string, why: string): Error {
  return wrongUse("NAMES_CONFIG", `${file} is nothing that steering can follow: ${why}`, HINT);
}
