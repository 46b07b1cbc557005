/**
 * `npm test`: every check, then every test, each in one line. It brings what the
 * tests need (Debian packages, components) after saying so; what can't run here
 * is skipped aloud, and counts as failed where CI is set.
 */
import { spawn, type StdioOptions } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatSeconds } from "#base/units.ts";
import { RESULT_VARIABLE, type TestCounts } from "./report.ts";
import { labObstacle, preparePackages } from "./setup.ts";
import { xenObstacle } from "./xen/packages.ts";

const ROOT = join(import.meta.dirname, "..");
const IN_CI = Boolean(process.env["CI"]);

interface Check {
  readonly name: string;
  readonly argv: readonly string[];
}

const CHECKS: readonly Check[] = [
  { name: "format", argv: ["biome", "format", "."] },
  { name: "types", argv: ["tsc", "--noEmit"] },
  { name: "lint", argv: ["oxlint", "--deny-warnings"] },
  { name: "rooms", argv: ["node", "test/rooms.ts"] },
  { name: "unused", argv: ["knip", "--treat-config-hints-as-errors"] },
];

const COMPONENTS: Check = { name: "components", argv: ["node", "src/cli/main.ts", "components", "get"] };

/** What some journeys need beside them; where it does not come in time, those are skipped. */
const TOOLS: Check = {
  name: "tools",
  argv: ["timeout", "900", "node", "src/cli/main.ts", "components", "get", "kubefedctl", "pebble"],
};

const total = { passed: 0, failed: 0, skipped: 0 };

/** Tests that passed at their second try only: what they wait for is worth a look. */
const retried: string[] = [];

/** Said once more at the end, where somebody looks first. */
const failures: string[] = [];

/** Runs everything; a failure does not stop what comes after it. */
async function runAll(): Promise<void> {
  requireNode24();
  for (const check of CHECKS) await runCheck(check, "pipe");
  const obstacle = await setUp();
  await runTests("unit", "pipe");
  if (obstacle === undefined)
    for (const project of ["planes", "journeys"]) await runTests(project, "inherit");
  else skip("journeys", "test/journeys/**/*.test.ts", obstacle);
  await runXen();
  for (const name of retried) line("again", "", name);
  for (const failure of failures) line("failed", "", failure);
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed > 0 ? 1 : 0;
}

function requireNode24(): void {
  if (process.versions.node.startsWith("24.")) return;
  console.error(`The tests need Node 24 and this is ${process.version}.`);
  console.error("  → run `npm ci && npm test`: npm puts the Node 24 it has installed first on the path");
  process.exit(2);
}

/** Brings packages and components; says why there can be no lab here, where there can't. */
async function setUp(): Promise<string | undefined> {
  try {
    await preparePackages((line) => console.log(line));
  } catch (error) {
    return (error as Error).message;
  }
  const obstacle = await labObstacle();
  if (obstacle !== undefined) return obstacle;
  if (!(await runCheck(COMPONENTS, "inherit"))) return "the components could not be brought";
  await runCheck(TOOLS, "inherit");
  return undefined;
}

async function runCheck({ name, argv }: Check, output: "pipe" | "inherit"): Promise<boolean> {
  const { ok, said, seconds } = await run(argv, output);
  total[ok ? "passed" : "failed"] += 1;
  if (!ok) failures.push(`the check ${name}`);
  line(ok ? "ok" : "failed", name, formatSeconds(seconds));
  if (!ok) console.log(said);
  return ok;
}

/** Runs one vitest project; its output is shown as it comes, or only where something failed. */
async function runTests(project: string, output: "pipe" | "inherit"): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "panopticon-test-"));
  const file = join(folder, "counts.json");
  const shown = output === "inherit" ? "verbose" : "dot";
  const reporters = [`--reporter=${shown}`, "--reporter=./test/report.ts"];
  try {
    const argv = ["vitest", "run", "--project", project, ...reporters];
    const { ok, said, seconds } = await run(argv, output, { [RESULT_VARIABLE]: file });
    const counts = readCounts(file, ok);
    report(project, counts, seconds);
    if (counts.failed > 0) console.log(said);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The counts; a run that failed without a failed test (a crash, no test at all) counts as one failure. */
function readCounts(file: string, ok: boolean): TestCounts {
  let counts: TestCounts = { passed: 0, failed: 0, failures: [], retried: [], skipped: [] };
  try {
    counts = JSON.parse(readFileSync(file, "utf8")) as TestCounts;
  } catch {
    ok = false;
  }
  if (ok || counts.failed > 0) return counts;
  return { ...counts, failed: 1, failures: ["ended with an error that belongs to no test"] };
}

function report(project: string, counts: TestCounts, seconds: number): void {
  total.passed += counts.passed;
  total.failed += counts.failed;
  retried.push(...counts.retried.map((name) => `${project}: ${name}`));
  failures.push(...counts.failures.map((failure) => `${project}: ${failure}`));
  const { length } = counts.skipped;
  total[IN_CI ? "failed" : "skipped"] += length;
  if (IN_CI && length > 0) failures.push(`${project}: ${length} skipped`);
  const word = counts.failed > 0 || (IN_CI && length > 0) ? "failed" : "ok";
  const what = `${counts.passed} passed, ${counts.failed} failed, ${length} skipped`;
  line(word, project, `${formatSeconds(seconds)}, ${what}`);
  for (const [file, reasons] of Object.entries(Object.groupBy(counts.skipped, ({ file }) => file))) {
    const said = [...new Set(reasons?.map(({ reason }) => reason))].join("; ");
    line("skipped", project, `${reasons?.length} of ${file}: ${said}`);
  }
}

/** The quick part of what a real Xen is asked, and a word on the rest. */
async function runXen(): Promise<void> {
  const obstacle = await xenObstacle();
  if (obstacle === undefined) await runTests("xen-quick", "inherit");
  else skip("xen-quick", "test/xen/quick.test.ts", obstacle);
  const rest = "the rest takes most of an hour and is no part of this: `npm run test:xen`";
  line("note", "xen", `${rest}; how it last ended is in docs/xen.md`);
}

function skip(project: string, pattern: string, reason: string): void {
  const files = globSync(pattern, { cwd: ROOT }).length;
  total[IN_CI ? "failed" : "skipped"] += files;
  if (IN_CI) failures.push(`${project}: ${files} files skipped`);
  line(IN_CI ? "failed" : "skipped", project, reason);
}

function line(word: string, name: string, rest: string): void {
  console.log(`${word.padEnd(8)}${name.padEnd(12)}${rest}`);
}

interface Ran {
  readonly ok: boolean;
  readonly said: string;
  readonly seconds: number;
}

function run(argv: readonly string[], output: "pipe" | "inherit", env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const started = performance.now();
  const [program = "", ...rest] = argv;
  const stdio: StdioOptions = ["ignore", output, output];
  const child = spawn(program, rest, { cwd: ROOT, stdio, env: { ...process.env, ...env } });
  let said = "";
  child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve) => {
    const end = (ok: boolean): void => resolve({ ok, said, seconds: (performance.now() - started) / 1000 });
    child.on("error", (error) => {
      said += error.message;
      end(false);
    });
    child.on("close", (code) => end(code === 0));
  });
}

await runAll();
