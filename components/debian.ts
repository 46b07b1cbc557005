/**
 * Where this host gets Debian from: its own apt configuration is asked, so that
 * a mirror or proxy set up for the host serves the base root too.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { exists, hasCode } from "./files.ts";
import { run, tied } from "./run.ts";

/** One archive apt knows: `deb URI SUITE COMPONENT…`. */
export interface AptSource {
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
}

/** Debian's archive and its security archive. */
export interface DebianMirror {
  readonly main: string;
  /** Absent where the host has no security archive configured beside a mirror of its own. */
  readonly security?: string;
}

/** Debian's official archive, used where the host is not a Debian or has no archive configured. */
export const OFFICIAL_MIRROR: DebianMirror = {
  main: "https://deb.debian.org/debian",
  security: "https://deb.debian.org/debian-security",
};

/** The mirror this host's apt uses for Debian. */
export async function hostMirror(aptDir = "/etc/apt"): Promise<DebianMirror> {
  return chooseMirror(await readAptSources(aptDir));
}

/** Every binary archive of sources.list, sources.list.d/*.list and *.sources, in apt's order. */
async function readAptSources(aptDir: string): Promise<readonly AptSource[]> {
  const parts = join(aptDir, "sources.list.d");
  const names = (await exists(parts)) ? (await readdir(parts)).sort() : [];
  const sources = parseOneLine(await readOrEmpty(join(aptDir, "sources.list")));
  for (const name of names) {
    const text = await readOrEmpty(join(parts, name));
    if (name.endsWith(".list")) sources.push(...parseOneLine(text));
    if (name.endsWith(".sources")) sources.push(...parseDeb822(text));
  }
  return sources;
}

/** Reads the one-line format of sources.list(5). */
export function parseOneLine(text: string): AptSource[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (!match?.[1] || !match[2]) return [];
    return [{ uri: trimUri(match[1]), suites: [match[2]], components: words(match[3] ?? "") }];
  });
}

/** Reads the deb822 format of sources.list(5): paragraphs of fields, comments by `#`. */
export function parseDeb822(text: string): AptSource[] {
  const paragraphs = text.replace(/^#.*\n?/gm, "").split(/\n\s*\n/);
  return paragraphs.flatMap((paragraph) => {
    const fields = parseFields(paragraph);
    const disabled = /^(no|false|off|0|without|disable)$/i.test(fields.get("enabled") ?? "yes");
    if (disabled || !words(fields.get("types") ?? "").includes("deb")) return [];
    const suites = words(fields.get("suites") ?? "");
    const components = words(fields.get("components") ?? "");
    return words(fields.get("uris") ?? "").map((uri) => ({ uri: trimUri(uri), suites, components }));
  });
}

/** The first archive that is Debian's by its path, with the security archive that is. */
export function chooseMirror(sources: readonly AptSource[]): DebianMirror {
  const usable = sources.filter(
    (source) => source.components.includes("main") && /^https?:/.test(source.uri),
  );
  const main = usable.find((source) => source.uri.endsWith("/debian"));
  const security = usable.find((source) => source.uri.endsWith("/debian-security"));
  if (!main) return OFFICIAL_MIRROR;
  return { main: main.uri, ...(security && { security: security.uri }) };
}

/** apt options that decide how the host reaches its archive: proxies and date checks, as `NAME "VALUE";`. */
export async function hostAptOptions(): Promise<readonly string[]> {
  const dump = await run(["apt-config", "dump"]);
  return dump
    .split("\n")
    .filter((line) => /^Acquire::(?:https?::Proxy|Check-Valid-Until|Check-Date)\b.*"[^"]+";$/.test(line));
}

/** Seconds an archive has to give its release file; it is a few hundred kB. */
const RELEASE_WITHIN_S = 20;

/**
 * The Date field of a suite's InRelease file: it names the snapshot of the
 * archive (Debian repository format). Fetched by apt's own helper, which goes
 * the way apt goes. Undefined where the archive can't be reached.
 */
export async function releaseDate(
  archive: string,
  suite: string,
  scratch: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const path = join(scratch, "InRelease");
  const late = AbortSignal.timeout(RELEASE_WITHIN_S * 1000);
  try {
    await run(
      tied(["/usr/lib/apt/apt-helper", "download-file", `${archive}/dists/${suite}/InRelease`, path]),
      {
        signal: signal ? AbortSignal.any([late, signal]) : late,
      },
    );
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
  return /^Date: (.+)$/m.exec(await readFile(path, "utf8"))?.[1];
}

/** The latest of the dates of the archives that a suite's packages come from, in ISO 8601; undefined where one can't be reached. */
export async function archiveSnapshot(
  suite: string,
  scratch: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { main, security } = await hostMirror();
  const archives: [string, string][] = [
    [main, suite],
    [main, `${suite}-updates`],
  ];
  if (security !== undefined) archives.push([security, `${suite}-security`]);
  const dates: number[] = [];
  for (const [archive, name] of archives) {
    const date = await releaseDate(archive, name, scratch, signal);
    if (date === undefined) return undefined;
    dates.push(Date.parse(date));
  }
  return new Date(Math.max(...dates)).toISOString();
}

/** The fields of one deb822 paragraph by their names in small letters; continued lines are joined by a space. */
export function parseFields(paragraph: string): Map<string, string> {
  const fields = new Map<string, string>();
  let name = "";
  for (const line of paragraph.split("\n")) {
    const match = /^([A-Za-z][\w-]*):(.*)$/.exec(line);
    if (match?.[1]) name = match[1].toLowerCase();
    const value = match ? (match[2] ?? "") : line;
    if (name) fields.set(name, `${fields.get(name) ?? ""} ${value}`.trim());
  }
  return fields;
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

function trimUri(uri: string): string {
  return uri.replace(/\/+$/, "");
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return "";
    throw error;
  }
}
