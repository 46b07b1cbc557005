/** What the watchdog of one ECAM is told by files. */
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { wrongUse } from "#base/errors.ts";
import { parseAddress } from "#base/ipv4.ts";
import type { WatchdogConfig } from "#render/ecam/watchdog.ts";
import { readText } from "../files.ts";

const HINT = "Name the file that was rendered for this machine, with its keys beside it.";

const address = z.string().refine((text) => parseAddress(text) !== undefined, "no IPv4 address");
const name = z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/);

const CONFIG = z.strictObject({
  self: name,
  activeAddress: address,
  api: z.strictObject({
    server: z.url({ protocol: /^https$/ }),
    authority: z.string(),
    certificate: z.string(),
    key: z.string(),
  }),
  port: z.int().min(1).max(65_535),
  workers: z.array(z.strictObject({ name, address })),
  nodes: z.array(z.strictObject({ name, address })),
  hosts: z.string(),
}) satisfies z.ZodType<WatchdogConfig>;

interface LoadedConfig extends WatchdogConfig {
  /** A path from the folder of the configuration. */
  readonly at: (file: string) => string;
}

/** Reads the configuration. Errors: CLI_FILE_…, WATCHDOG_CONFIG (exit 2). */
export async function readWatchdogConfig(file: string): Promise<LoadedConfig> {
  const config = parseWatchdogConfig(await readText(file, HINT), file);
  return { ...config, at: (path) => resolve(dirname(file), path) };
}

/** The same from its text. */
export function parseWatchdogConfig(text: string, file: string): WatchdogConfig {
  const { data, error } = CONFIG.safeParse(parsed(text));
  if (!data) throw wrong(file, z.prettifyError(error));
  for (const [what, machines] of Object.entries({ workers: data.workers, nodes: data.nodes }))
    if (new Set(machines.map((machine) => machine.name)).size < machines.length)
      throw wrong(file, `two ${what} have the same name`);
  return data;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function wrong(file: string, why: string): Error {
  return wrongUse("WATCHDOG_CONFIG", `${file} is nothing that the watchdog can follow: ${why}`, HINT);
}
