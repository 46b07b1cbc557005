/** Commands as somebody outside runs them: in the namespace that plays the internet. */
import { join } from "node:path";
import { mustRun } from "#base/process.ts";
import type { LabNames } from "./names.ts";

/** What a name server said: records as text, or a code of the resolver such as ENOTFOUND, ENODATA, ETIMEOUT. */
export interface Heard {
  readonly server: string;
  readonly records: readonly NameRecord[];
  readonly failure?: string;
}

export interface NameRecord {
  readonly value: string;
  /** Seconds; known for addresses. */
  readonly ttl?: number;
}

/** The argument list that runs `argv` outside all sites. */
export function outside(names: LabNames, argv: readonly string[]): readonly string[] {
  return ["ip", "netns", "exec", names.internet, ...argv];
}

/** Asks one name server, from outside. `type` is A, AAAA, NS, SOA, TXT or CAA. */
export async function askFromOutside(
  names: LabNames,
  server: string,
  name: string,
  type: string,
): Promise<Heard> {
  const program = join(import.meta.dirname, "ask-names.ts");
  const argv = [process.execPath, "--disable-warning=ExperimentalWarning", program, server, name, type];
  const said = JSON.parse(await mustRun("LAB_ASK_FAILED", outside(names, argv))) as {
    readonly answers?: readonly unknown[];
    readonly code?: string;
  };
  if (said.code !== undefined) return { server, records: [], failure: said.code };
  return { server, records: (said.answers ?? []).map(recordOf) };
}

function recordOf(answer: unknown): NameRecord {
  if (typeof answer === "string") return { value: answer };
  const { address, ttl } = answer as { readonly address?: string; readonly ttl?: number };
  if (address !== undefined) return { value: address, ...(ttl !== undefined && { ttl }) };
  return { value: Object.values(answer as object).join(" ") };
}
