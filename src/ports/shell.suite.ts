/** What every Shell must do; each driver's test runs it against its own. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import type { RenderedFile } from "#render/files.ts";
import type { Shell } from "./shell.ts";

export interface ShellSubject {
  readonly shell: Shell;
  /** A machine that answers. */
  readonly machine: string;
  /** A machine that does not. */
  readonly absent: string;
  /** An existing folder on the machine that the test may fill. */
  readonly folder: string;
}

const AWKWARD = [
  "",
  " ",
  "a b",
  "it's",
  `"$HOME" \`id\` $(id) \\ \\n`,
  "line\nbreak\t",
  "*",
  "~",
  "-v",
  "#no",
  "é漢😀",
  "!!;&&|<>",
];

/** Declares the suite; `subject` is asked for in every test, after the driver's own set-up. */
export function describeShell(name: string, subject: () => ShellSubject): void {
  describe(`${name} as a Shell`, () => {
    describe("run", () => {
      describeRun(subject);
    });
    describe("put", () => {
      describePut(subject);
    });
  });
}

function describeRun(subject: () => ShellSubject): void {
  it("hands over every argument as it is", async () => {
    const { shell, machine } = subject();
    const { stdout } = await shell.run(machine, ["printf", "%s\\0", ...AWKWARD]);
    expect(stdout.split("\0").slice(0, -1)).toEqual(AWKWARD);
  });

  it("is root", async () => {
    const { shell, machine } = subject();
    expect((await shell.run(machine, ["id", "-u"])).stdout).toBe("0\n");
  });

  it.each([0, 1, 42, 127, 255])("gives exit code %i as a result, with both outputs apart", async (code) => {
    const { shell, machine } = subject();
    const result = await shell.run(machine, [
      "sh",
      "-c",
      'echo out; echo err >&2; exit "$1"',
      "sh",
      String(code),
    ]);
    expect(result).toEqual({ code, stdout: "out\n", stderr: "err\n" });
  });

  it("passes a file of this box on as standard input", async () => {
    const { shell, machine } = subject();
    const folder = mkdtempSync(join(tmpdir(), "shell-suite-"));
    const file = join(folder, "input");
    const bytes = randomBytes(3_000_000);
    writeFileSync(file, bytes);
    const { stdout } = await shell.run(machine, ["sha256sum"], { input: { file } });
    rmSync(folder, { recursive: true });
    expect(stdout).toBe(`${createHash("sha256").update(bytes).digest("hex")}  -\n`);
  });

  it("gives standard input, and an empty one where there is none", async () => {
    const { shell, machine } = subject();
    const bytes = randomBytes(300_000);
    const { stdout } = await shell.run(machine, ["base64", "-w0"], { input: bytes });
    expect(stdout).toBe(bytes.toString("base64"));
    expect(await shell.run(machine, ["cat"])).toEqual({ code: 0, stdout: "", stderr: "" });
    expect((await shell.run(machine, ["true"], { input: bytes })).code).toBe(0);
  });

  it("runs many commands side by side", async () => {
    const { shell, machine } = subject();
    const numbers = Array.from({ length: 30 }, (_, index) => String(index));
    const results = await Promise.all(numbers.map((number) => shell.run(machine, ["echo", number])));
    expect(results).toEqual(numbers.map((number) => ({ code: 0, stdout: `${number}\n`, stderr: "" })));
  });

  it("ends what takes longer than it may, on the machine too", async () => {
    const { shell, machine, folder } = subject();
    const script = 'echo $$ > "$1/pid"; sleep 60; true';
    const work = shell.run(machine, ["sh", "-c", script, "sh", folder], { timeoutSeconds: 1 });
    await expect(work).rejects.toMatchObject({ exit: 3 });
    const probe = ["sh", "-c", 'kill -0 "$(cat "$1/pid")"', "sh", folder];
    const ended = async (): Promise<void> => expect((await shell.run(machine, probe)).code).toBe(1);
    await vi.waitFor(ended, { timeout: 15_000, interval: 200 });
    await shell.run(machine, ["rm", `${folder}/pid`]);
  });

  it("says which machine does not answer", async () => {
    const { shell, absent } = subject();
    const work = shell.run(absent, ["true"]);
    await expect(work).rejects.toThrow(absent);
    await expect(work).rejects.toMatchObject({ exit: 3 });
  });
}

function describePut(subject: () => ShellSubject): void {
  const read = async ({ shell, machine }: ShellSubject, ...argv: string[]): Promise<string> =>
    (await shell.run(machine, argv)).stdout;

  it("writes contents and modes, makes folders 0755, owned by root", async () => {
    const { shell, machine, folder } = subject();
    const files: RenderedFile[] = [
      { path: `${folder}/a/b/plain.conf`, content: "one\ntwo\n", mode: 0o644 },
      { path: `${folder}/a/.hidden`, content: "no line end", mode: 0o600 },
      { path: `${folder}/a/run`, content: "#!/bin/sh\necho it runs\n", mode: 0o755 },
      { path: `${folder}/a/empty`, content: "", mode: 0o640 },
      { path: `${folder}/a/${"long-name-".repeat(15)}`, content: "é漢😀\0'$(id)'", mode: 0o644 },
    ];
    await shell.put(machine, files);
    for (const { path, content, mode } of files) {
      expect(await read(subject(), "base64", "-w0", path)).toBe(Buffer.from(content).toString("base64"));
      expect(await read(subject(), "stat", "-c", "%a %u:%g", path)).toBe(`${mode.toString(8)} 0:0\n`);
    }
    expect(await read(subject(), "stat", "-c", "%a", `${folder}/a/b`)).toBe("755\n");
    expect(await read(subject(), `${folder}/a/run`)).toBe("it runs\n");
    expect((await read(subject(), "find", folder, "-type", "f")).trim().split("\n")).toHaveLength(
      files.length,
    );
  });

  it("replaces a file in one step: whoever has the old one open keeps it whole", async () => {
    const { shell, machine, folder } = subject();
    const path = `${folder}/replaced`;
    await shell.put(machine, [{ path, content: "old", mode: 0o644 }]);
    const before = await read(subject(), "stat", "-c", "%i", path);
    await shell.run(machine, ["ln", path, `${folder}/kept`]);
    await shell.put(machine, [{ path, content: "new", mode: 0o600 }]);
    expect(await read(subject(), "cat", path, `${folder}/kept`)).toBe("newold");
    expect(await read(subject(), "stat", "-c", "%a", path)).toBe("600\n");
    expect(await read(subject(), "stat", "-c", "%i", path)).not.toBe(before);
  });

  it("says so and leaves nothing half-written where it cannot write", async () => {
    const { shell, machine, folder } = subject();
    await shell.run(machine, ["touch", `${folder}/file`]);
    const files = [
      { path: `${folder}/new`, content: "new", mode: 0o644 },
      { path: `${folder}/file/below`, content: "x", mode: 0o644 },
    ];
    await expect(shell.put(machine, files)).rejects.toMatchObject({ exit: 3 });
    const left = (await read(subject(), "find", folder, "-type", "f", "-name", ".*")).trim();
    expect(left.split("\n").filter((name) => !name.endsWith("/.hidden"))).toEqual(left === "" ? [""] : []);
  });

  it("takes two writers at once: one of both wins whole", async () => {
    const { shell, machine, folder } = subject();
    const path = `${folder}/contended`;
    const contents = ["a", "b"].map((letter) => letter.repeat(200_000));
    await Promise.all(contents.map((content) => shell.put(machine, [{ path, content, mode: 0o644 }])));
    expect(contents).toContain(await read(subject(), "cat", path));
  });
}
