import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { CATALOGUE, component } from "./catalogue.ts";
import { buildFlags, buildGo, moduleFiles, prepareGo } from "./golang.ts";
import { run } from "./run.ts";
import { goTool, isAtLeast, neededVersion, type ToolchainOptions } from "./toolchain.ts";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "golang-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

/** Options of a box from which go.dev can't be reached. */
async function offline(): Promise<ToolchainOptions> {
  return { cacheDir: await folder(), unreachable: new Set(["go.dev"]), say: () => undefined };
}

async function module(): Promise<{ cwd: string; env: NodeJS.ProcessEnv }> {
  const cwd = await folder();
  await writeFile(join(cwd, "go.mod"), "module example.test/x\n\ngo 1.26.0\n");
  return { cwd, env: process.env };
}

async function fakeGo(script: string): Promise<string> {
  const path = join(await folder(), "go");
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

describe("the Go tool", () => {
  test("is the first that is new enough", async () => {
    const old = await fakeGo("echo go1.25.9");
    const fresh = await fakeGo("echo go1.26.0");
    expect(await goTool(await module(), await offline(), ["/nowhere/go", old, fresh])).toBe(fresh);
  });

  test("missing: says what to install", async () => {
    const finding = goTool(await module(), await offline(), ["/nowhere/go"]);
    await expect(finding).rejects.toThrow(/COMPONENT_GO_MISSING Go 1\.26\.0 .*\n.*install Go 1\.26\.0/);
  });

  test("too old: says which was found, also where it refuses the module", async () => {
    const refusing = await fakeGo('[ "$1" = version ] && echo "go version go1.24.4 linux/amd64" || exit 1');
    const finding = goTool(await module(), await offline(), [refusing]);
    await expect(finding).rejects.toThrow(/COMPONENT_GO_TOO_OLD Go 1\.24\.4 is too old/);
  });

  test("versions compare by number", () => {
    expect(isAtLeast("1.26.10", "1.26.9")).toBe(true);
    expect(isAtLeast("1.27", "1.26.6")).toBe(true);
    expect(isAtLeast("1.26", "1.26.6")).toBe(false);
    expect(isAtLeast("1.9.9", "1.26")).toBe(false);
    expect(neededVersion("module x\n\ngo 1.26.6\n\ntoolchain go1.27.0\n")).toBe("1.26.6");
  });
});

describe("builds", () => {
  const sources = CATALOGUE.flatMap((entry) => entry.sources.filter((source) => source.by === "go"));

  test.each(sources)("$module hold no path of this machine and change no committed file", (source) => {
    expect(buildFlags(source)).toEqual(expect.arrayContaining(["-trimpath", "-mod=readonly"]));
  });

  test("a program's recipe changes with its source", async () => {
    expect(await moduleFiles("pause")).toMatchObject({
      "go.mod": expect.stringMatching(/^[0-9a-f]{64}$/),
      "main.go": expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test("pause is built, static, and ends when it is told to", async (ctx) => {
    const options = await offline();
    const source = component("pause").sources.find((candidate) => candidate.by === "go");
    if (!source) throw new Error("pause has no Go source");
    const prepared = await prepareGo(source, options).catch((error: Error) => error);
    if (prepared instanceof Error) {
      if (process.env["CI"]) throw prepared;
      return ctx.skip(`no Go here: ${prepared.message}`);
    }
    const out = await folder();
    await buildGo(prepared, out, options);
    expect(await readdir(out)).toEqual(["pause"]);
    // timeout(1) sends SIGTERM; pause then ends with status 0, or this fails.
    const ended = run(["timeout", "--preserve-status", "0.3", join(out, "pause")]);
    expect(await ended).toBe("");
  }, 300_000);
});
