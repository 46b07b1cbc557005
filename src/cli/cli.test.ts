import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Plan } from "#plan/plan.ts";
import { reportFailure } from "./failure.ts";

const ROOT = join(import.meta.dirname, "../..");
const EXAMPLE = join(ROOT, "examples/two-sites.yaml");

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "panopticon-cli-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the real program through its launcher, with a state folder of the test's own. */
function panopticon(...argv: readonly string[]) {
  return run(join(ROOT, "panopticon"), ...argv);
}

function run(program: string, ...argv: readonly string[]) {
  const env = { ...process.env, XDG_STATE_HOME: join(folder, "state"), NO_COLOR: "1" };
  const { status, stdout, stderr } = spawnSync(program, argv, { cwd: folder, env, encoding: "utf8" });
  expect(stderr).not.toMatch(/^\s+at /m); // never a stack trace
  return { status, stdout, stderr };
}

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

test("help names every command and an example; each command has an example of its own", () => {
  const { status, stdout } = panopticon("--help");
  expect(status).toBe(0);
  const names = [...stdout.matchAll(/^ {2}([a-z]+) /gm)].map((match) => match[1] ?? "");
  expect(names).toEqual(
    expect.arrayContaining(["check", "plan", "prove", "render", "schema", "lab", "drill", "doctor"]),
  );
  expect(stdout).toContain("$ panopticon lab up");
  for (const name of ["check", "plan", "prove", "render", "drill", "doctor", "schema"]) {
    expect(panopticon(name, "--help").stdout).toMatch(/Examples?:\n {2}\$ /);
  }
});

test.each([
  ["a mistyped command", ["chekc"], "Did you mean check?"],
  ["a mistyped option", ["plan", EXAMPLE, "--explian", "x"], "Did you mean --explain?"],
  ["no file", ["check"], "missing required argument 'file'"],
  ["too much", ["check", EXAMPLE, "another"], "too many arguments"],
  ["an unknown format", ["check", EXAMPLE, "-o", "yaml"], "Allowed choices are text, json"],
  ["render without --out", ["render", EXAMPLE], "--out"],
  ["a file that is not there", ["check", "absent.yaml"], "CLI_FILE_MISSING there is no file absent.yaml"],
  ["a folder for a file", ["plan", "/"], "CLI_FILE_IS_FOLDER / is a folder"],
  ["a machine that is not there", ["plan", EXAMPLE, "--explain", "atic-cp-1"], "did you mean attic-cp-1?"],
  ["a component that is not there", ["components", "get", "kubernetse"], "did you mean kubernetes?"],
  [
    "a witness without TLS",
    ["witness", "create", "--url", "http://a", "--out", "w"],
    "FEDERATION_WITNESS_URL",
  ],
  ["a witness that was never made", ["witness", "run"], "FEDERATION_WITNESS_STATE"],
  ["a file of no witness", ["crown", "witness", "set", "--file", EXAMPLE], "FEDERATION_WITNESS_FILE"],
  ["a plan that is none", ["plan", EXAMPLE, "--previous", EXAMPLE], "CLI_FILE_NO_PLAN"],
])("%s is wrong use: exit code 2, and what to do", (_name, argv, words) => {
  const { status, stdout, stderr } = panopticon(...argv);
  expect(stderr).toContain(words);
  expect(stdout).toBe("");
  expect(status).toBe(2);
});

test("a file with mistakes is found wanting: each with its place, exit code 1, the same as JSON", () => {
  const file = write("wrong.yaml", "kind: Federation\nnmae: home\n");
  const text = panopticon("check", file);
  expect(text.status).toBe(1);
  expect(text.stderr).toMatch(/wrong\.yaml:2:1: MODEL_UNKNOWN_KEY .*nmae/);
  const json = panopticon("check", file, "-o", "json");
  expect(json.status).toBe(1);
  const { problems } = JSON.parse(json.stdout) as { problems: object[] };
  expect(problems).toContainEqual(
    expect.objectContaining({ code: "MODEL_UNKNOWN_KEY", at: { file, line: 2, column: 1 } }),
  );
});

test("check says what a good file holds", () => {
  const { status, stdout } = panopticon("check", EXAMPLE, "-o", "json");
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    file: EXAMPLE,
    federation: "two-sites",
    sites: ["attic", "cellar"],
    problems: [],
  });
});

test("the plan as JSON is the plan, the same in every run, and can be given back", () => {
  const first = panopticon("plan", EXAMPLE, "-o", "json");
  expect(first.status).toBe(0);
  expect((JSON.parse(first.stdout) as Plan).sites.map((site) => site.name)).toEqual(["attic", "cellar"]);
  expect(panopticon("plan", EXAMPLE, "-o", "json").stdout).toBe(first.stdout);
  const kept = write("plan.json", first.stdout);
  expect(panopticon("plan", EXAMPLE, "--previous", kept, "-o", "json").stdout).toBe(first.stdout);
  const larger = readFileSync(EXAMPLE, "utf8").replace("memory: 16GiB", "memory: 32GiB");
  const changed = panopticon("plan", write("larger.yaml", larger), "--previous", kept);
  expect(changed.stdout).toMatch(/changed machine attic-worker-1\n +memory: .* → /);
});

test("plan shows every machine, and explains one", () => {
  const { stdout } = panopticon("plan", EXAMPLE);
  expect(stdout).toMatch(/^ {2}\S+ +attic-cp-1 +controlplane +\d+ +[\d.]+ GiB +10\.11\.0\.\d+ +/m);
  const explained = panopticon("plan", EXAMPLE, "--explain", "attic-cp-1");
  expect(explained.status).toBe(0);
  expect(explained.stdout).toMatch(/^attic-cp-1: controlplane on .*\n[^]*\n {2}- /);
});

test("render keeps its folder exact: nothing twice, nothing stale, nobody else's", () => {
  const out = join(folder, "rendered");
  const haproxy = join(out, "attic/attic-ecam-1/etc/haproxy/haproxy.cfg");
  expect(panopticon("render", EXAMPLE, "--out", out).status).toBe(0);
  expect(readFileSync(haproxy, "utf8")).toContain("frontend");
  const again = JSON.parse(panopticon("render", EXAMPLE, "--out", out, "-o", "json").stdout) as object;
  expect(again).toMatchObject({ written: [], removed: [] });

  const other = panopticon("render", join(ROOT, "examples/home.yaml"), "--out", out);
  expect(other.stdout).toContain("removed attic/attic-ecam-1/etc/haproxy/haproxy.cfg");
  expect(() => readFileSync(haproxy)).toThrow("ENOENT");

  mkdirSync(join(folder, "theirs"));
  write("theirs/letter.txt", "dear");
  const refused = panopticon("render", EXAMPLE, "--out", join(folder, "theirs"));
  expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining("CLI_OUT_NOT_OURS") as string });
  expect(panopticon("render", EXAMPLE, "--out", EXAMPLE).stderr).toContain("CLI_OUT_IS_FILE");
});

test("schema is a JSON Schema", () => {
  const schema = JSON.parse(panopticon("schema").stdout) as object;
  expect(schema).toMatchObject({ $schema: expect.stringContaining("json-schema.org") as string });
});

test("doctor says of every need whether it is met, and its exit code whether a lab could run", () => {
  const { status, stdout } = panopticon("doctor", EXAMPLE, "-o", "json");
  const { ready, findings } = JSON.parse(stdout) as { ready: boolean; findings: { code: string }[] };
  expect(status).toBe(ready ? 0 : 1);
  const codes = findings.map(({ code }) => code);
  expect(codes).toEqual(expect.arrayContaining(["HOST_ROOT", "HOST_PROGRAM", "HOST_KERNEL", "HOST_ROUTE"]));
});

test("components are listed with version, source and state", () => {
  const listed = JSON.parse(panopticon("components", "list", "-o", "json").stdout) as object[];
  expect(listed).toContainEqual(
    expect.objectContaining({ name: "kubernetes", version: expect.stringMatching(/^v1\./) as string }),
  );
  expect(panopticon("components", "list").stdout).toMatch(/^kubernetes +v1\.\S+ +(ready|absent) /m);
});

test("completion gives a script for each shell, and completes commands, options, choices and files", () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    expect(panopticon("completion", shell).stdout).toContain(join(ROOT, "panopticon"));
  }
  const complete = (...words: readonly string[]) =>
    panopticon("complete", "--", ...words)
      .stdout.trim()
      .split("\n")
      .map((line) => line.split("\t")[0]);
  expect(complete("ch")).toEqual(["check", ":4"]);
  expect(complete("lab", "")).toEqual(expect.arrayContaining(["up", "down", "status", "shell"]));
  expect(complete("plan", "--exp")).toEqual(["--explain", ":4"]);
  expect(complete("plan", "-o", "")).toEqual(["text", "json", ":4"]);
  write("mine.yaml", "");
  expect(complete("check", "mi")).toEqual(["mine.yaml", ":4"]);
});

test("a reader that leaves ends the run without a word", () => {
  const { status, stdout, stderr } = run(
    "bash",
    "-c",
    `set -o pipefail; "${ROOT}/panopticon" plan "${EXAMPLE}" -o json | head -c 1`,
  );
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "{", stderr: "" });
});

test("the launcher finds its checkout through symbolic links", () => {
  symlinkSync(join(ROOT, "panopticon"), join(folder, "first"));
  symlinkSync("first", join(folder, "second"));
  expect(run(join(folder, "second"), "--version")).toMatchObject({ status: 0, stdout: "0.1.0\n" });
});

test("a mistake of ours is one line that says where the details are", () => {
  vi.stubEnv("XDG_STATE_HOME", join(folder, "bugs"));
  const said: string[] = [];
  const spy = vi.spyOn(process.stderr, "write").mockImplementation((text) => said.push(String(text)) > 0);
  const status = reportFailure(new TypeError("undefined is not a function"), false);
  spy.mockRestore();
  vi.unstubAllEnvs();
  const log = join(folder, "bugs/panopticon/bug.log");
  expect(status).toBe(3);
  expect(said).toEqual([expect.stringMatching(/^CLI_BUG undefined is not a function \(.*bug\.log\)\n$/)]);
  expect(said.join("")).toContain(log);
  expect(readFileSync(log, "utf8")).toMatch(/^ {4}at /m);
});

test("prove ends with 1 and the component where a goal is broken, and writes the page that is asked for", () => {
  const held = panopticon("prove", EXAMPLE, "-o", "json", "--html", join(folder, "proof.html"));
  expect(held.status, held.stderr).toBe(0);
  const proof = JSON.parse(held.stdout) as { goals: readonly { holds: boolean }[] };
  expect(proof.goals.map(({ holds }) => holds)).toEqual([true, true, true]);
  expect(readFileSync(join(folder, "proof.html"), "utf8")).toContain("What two-sites survives");

  const broken = panopticon("prove", EXAMPLE, "--what-if", "-server attic/shelf");
  expect(broken.status).toBe(1);
  expect(broken.stdout).toContain("BROKEN  survive any server");
  expect(broken.stdout).toMatch(/server:attic\/(left|right) breaks etcd:attic, api:attic/);
});

test.each([
  [["--what-if", "+sever attic/x"], "PROOF_EDIT"],
  [["--what-if", "-server attic/x"], "PROOF_EDIT_UNKNOWN"],
  [["--without", "server:attic/lef"], "PROOF_UNKNOWN_COMPONENT"],
  [["--cuts", "api:attik"], "PROOF_UNKNOWN_PROMISE"],
  [["--order", "4"], "PROOF_ORDER"],
  [["--html", "/nowhere/proof.html"], "CLI_FILE_UNWRITABLE"],
])("prove %j is told as %s", (options, code) => {
  const { status, stdout, stderr } = panopticon("prove", EXAMPLE, ...options);
  expect(status).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain(`${code} `);
  expect(stderr).toContain("→");
});
