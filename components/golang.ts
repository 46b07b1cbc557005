/** Builds programs from Go modules, with Go's own cache inside ours so that a killed build goes on where it was. */
import { copyFile, readdir, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import { exists, fileSha256 } from "./files.ts";
import { PATCHES, patchFlags } from "./gopatch.ts";
import { run, tied } from "./run.ts";
import { goTool, type ToolchainOptions } from "./toolchain.ts";
import type { GoSource } from "./source.ts";

const MODULES = join(import.meta.dirname, "go");

/** What of a module's folder decides its programs: name of each file → its digest. */
export async function moduleFiles(module: string): Promise<Readonly<Record<string, string>>> {
  const folder = join(MODULES, module);
  const patches = (await exists(join(folder, PATCHES))) ? await readdir(join(folder, PATCHES)) : [];
  const names = [...(await readdir(folder)), ...patches.map((name) => join(PATCHES, name))]
    .filter((name) => /^go\.(mod|sum)$|\.go$/.test(name))
    .sort();
  const digests = await Promise.all(names.map((name) => fileSha256(join(folder, name))));
  return Object.fromEntries(names.map((name, index) => [name, digests[index] ?? ""]));
}

/** Flags of `go build`; part of a component's recipe. Programs carry no symbols or debug information: no node reads them. */
export function buildFlags(source: GoSource): readonly string[] {
  const settings = Object.entries(source.settings ?? {}).map(([name, value]) => `-X ${name}=${value}`);
  return [
    "-trimpath",
    "-mod=readonly",
    "-buildvcs=false",
    // The linker would throw debugging information away: the compiler need not make it, which takes a tenth of its time.
    "-gcflags=all=-dwarf=false",
    `-ldflags=${["-s", "-w", ...settings].join(" ")}`,
    ...(source.tags ? [`-tags=${source.tags.join(",")}`] : []),
  ];
}

/** A source whose modules are downloaded: what is left needs the processor alone. */
export interface PreparedBuild {
  /** The Go tool to call. */
  readonly go: string;
  readonly source: GoSource;
  readonly flags: readonly string[];
  /** Packages that go in, compiled already or not. */
  readonly packages: number;
}

/** Finds a Go and downloads the source's modules. */
export async function prepareGo(source: GoSource, options: ToolchainOptions): Promise<PreparedBuild> {
  const where = { cwd: join(MODULES, source.module), env: goEnvironment(options.cacheDir) };
  const go = await goTool(where, options);
  options.say("reading modules");
  const flags = [...buildFlags(source), ...(await patchFlags(go, source, where, options.cacheDir))];
  const argv = [go, "list", "-deps", ...flags, ...Object.keys(source.packages)];
  const listed = await run(tied(argv), {
    ...where,
    signal: options.signal,
    code: "COMPONENT_MODULES",
    hint: "the Go module proxy must be reachable: go env GOPROXY",
    onLine: (line) => {
      if (line.startsWith("go: downloading ")) options.say(line.slice("go: ".length));
    },
  });
  return { go, source, flags, packages: listed.trim().split("\n").length };
}

/** Builds the programs into `out` and says where they came from. The fraction told leaps over what is in Go's cache. */
export async function buildGo(
  prepared: PreparedBuild,
  out: string,
  options: ToolchainOptions,
): Promise<string> {
  const { go, source, flags } = prepared;
  const where = { cwd: join(MODULES, source.module), env: goEnvironment(options.cacheDir) };
  let compiled = 0;
  await run(tied([go, "build", "-v", ...flags, "-o", `${out}/`, ...Object.keys(source.packages)]), {
    ...where,
    signal: options.signal,
    code: "COMPONENT_BUILD_FAILED",
    onLine: (line) => {
      if (isPackagePath(line)) options.say("compiling", Math.min(++compiled / prepared.packages, 1));
    },
  });
  for (const [path, name] of Object.entries(source.packages)) {
    const built = await builtName(go, path, where);
    if (built !== name) await rename(join(out, built), join(out, name));
  }
  for (const [link, program] of Object.entries(source.links ?? {})) await symlink(program, join(out, link));
  await copyFiles(go, source, out, where);
  return `Go module components/go/${source.module}`;
}

interface Where {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * The user's Go settings without the flags that would change the result.
 * GOMODCACHE stays the user's: what is in it is verified by go.sum and is shared
 * with every other Go build of theirs. GOCACHE is ours, so that removing our
 * cache folder gives the space back; Go trims what has not been used for days.
 */
function goEnvironment(cacheDir: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    GOCACHE: join(cacheDir, "go", "build"),
    GOFLAGS: "",
    GOWORK: "off",
    GOEXPERIMENT: "",
    CGO_ENABLED: "0",
    // The compiler is a short-lived program: it need not sweep its memory so often. The same bytes come out.
    GOGC: "400",
  };
}

async function copyFiles(go: string, { files = [] }: GoSource, out: string, where: Where): Promise<void> {
  for (const { module, gives } of files) {
    const folder = (await run([go, "list", "-m", "-f={{.Dir}}", module], where)).trim();
    for (const [path, name] of Object.entries(gives)) await copyFile(join(folder, path), join(out, name));
  }
}

/** `go build -v` says a line for each package it compiles, among messages that hold spaces. */
function isPackagePath(line: string): boolean {
  return /^[^\s:]+$/.test(line);
}

/** The name `go build` gives a package's program: its last path element before a version suffix. */
async function builtName(go: string, path: string, where: Where): Promise<string> {
  const importPath = (await run([go, "list", "-f={{.ImportPath}}", path], where)).trim();
  const parts = importPath.split("/");
  return (/^v\d+$/.test(parts.at(-1) ?? "") ? parts.at(-2) : parts.at(-1)) ?? "";
}
