/**
 * The Go tool that builds components: the host's where it is new enough, else
 * Go's own release, kept in our cache and used by nothing else.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { worldFailed } from "#base/errors.ts";
import { GO } from "./catalogue.ts";
import { download, Unreachable } from "./download.ts";
import { releaseArchitecture } from "./official.ts";
import { run } from "./run.ts";
import { ensureEntry } from "./store.ts";

export interface ToolchainOptions {
  readonly cacheDir: string;
  readonly signal?: AbortSignal | undefined;
  readonly unreachable: Set<string>;
  readonly say: (what: string, fraction?: number) => void;
}

/** Where Go's installation instructions put it, which is not in the PATH that sudo gives. */
const CANDIDATES = ["go", "/usr/local/go/bin/go"] as const;

interface Where {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The program to call as `go` for the module in `where.cwd`. */
export async function goTool(
  where: Where,
  options: ToolchainOptions,
  candidates: readonly string[] = CANDIDATES,
): Promise<string> {
  const needed = neededVersion(await readFile(join(where.cwd, "go.mod"), "utf8"));
  let old: string | undefined;
  for (const candidate of candidates) {
    const version = await versionOf(candidate, where);
    if (version && isAtLeast(version, needed)) return candidate;
    old ??= version;
  }
  try {
    return await releasedGo(options);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    const hint = `install Go ${needed} or newer so that \`go\` is in the PATH: https://go.dev/doc/install (${error.message})`;
    throw old
      ? worldFailed("COMPONENT_GO_TOO_OLD", `Go ${old} is too old: ${needed} or newer is needed`, hint, error)
      : worldFailed("COMPONENT_GO_MISSING", `Go ${needed} or newer is needed and there is none`, hint, error);
  }
}

/** The version that go.mod's `go` line asks for. */
export function neededVersion(goMod: string): string {
  return /^go (\d+(?:\.\d+)*)/m.exec(goMod)?.[1] ?? "1.26";
}

/** Compares versions such as 1.26.8 number by number; a release candidate counts as its release. */
export function isAtLeast(version: string, needed: string): boolean {
  const numbers = (text: string) => text.split(".").map((part) => Number.parseInt(part, 10));
  const have = numbers(version);
  for (const [index, wanted] of numbers(needed).entries()) {
    const difference = (have[index] ?? 0) - wanted;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/**
 * A Go's version as it would build this module: since 1.21 an older Go fetches
 * the newer one that go.mod asks for, if it may and can. Undefined where there
 * is none that runs.
 */
async function versionOf(go: string, where: Where): Promise<string | undefined> {
  try {
    return /^go(\S+)/.exec(await run([go, "env", "GOVERSION"], where))?.[1];
  } catch {
    const plain = await run([go, "version"], { cwd: "/", env: where.env }).catch(() => "");
    return /\bgo(\d\S*)/.exec(plain)?.[1];
  }
}

async function releasedGo(options: ToolchainOptions): Promise<string> {
  const url = GO.url.replaceAll("{arch}", releaseArchitecture());
  const sha256 = GO.sha256[releaseArchitecture()] ?? "";
  const entry = await ensureEntry(
    options.cacheDir,
    {
      name: "go",
      version: GO.version,
      recipe: { url, sha256 },
      make: async ({ out, scratch }) => {
        const archive = join(scratch, "go.tar.gz");
        const onProgress = (fraction: number) => options.say("downloading Go", fraction);
        await download(url, sha256, archive, {
          ...options,
          partsDir: join(options.cacheDir, "downloads"),
          onProgress,
        });
        await run([
          "tar",
          "--extract",
          "--gzip",
          "--strip-components=1",
          `--file=${archive}`,
          `--directory=${out}`,
        ]);
        return url;
      },
    },
    options,
  );
  return join(entry.out, "bin", "go");
}
