/** A vitest reporter that writes what `test/run.ts` adds up: counts, and why each skipped test was skipped. */
import { writeFileSync } from "node:fs";
import type { Reporter, TestCase, TestModule, TestSuite } from "vitest/node";

/** Where the counts go; set by `test/run.ts`. */
export const RESULT_VARIABLE = "PANOPTICON_TEST_RESULT";

export interface TestCounts {
  readonly passed: number;
  /** Failed tests, files that could not be loaded and hooks that failed. */
  readonly failed: number;
  /** Each failure in one line: where, and the first line of what was said. */
  readonly failures: readonly string[];
  /** Tests that passed at their second try only. */
  readonly retried: readonly string[];
  /** File and reason of each skipped test. */
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const file = process.env[RESULT_VARIABLE];
    if (!file) return;
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const parts = modules.flatMap((module) => [module, ...module.children.allSuites()]);
    const failures = [
      ...tests.filter((test) => test.result().state === "failed").map(failure),
      ...parts.filter((part) => part.errors().length > 0).map(brokenPart),
      ...unhandled.map((error) => `outside of any test: ${firstLine(error)}`),
    ];
    const counts: TestCounts = {
      passed: tests.filter((test) => test.result().state === "passed").length,
      failed: failures.length,
      failures,
      retried: tests.filter((test) => test.diagnostic()?.flaky).map(failure),
      skipped: tests.flatMap(skippedTest),
    };
    writeFileSync(file, JSON.stringify(counts));
  }
}

const failure = (test: TestCase): string =>
  `${test.module.relativeModuleId} > ${test.fullName}: ${firstLine(test.result().errors?.[0])}`;

function brokenPart(part: TestModule | TestSuite): string {
  const name =
    part.type === "module" ? part.relativeModuleId : `${part.module.relativeModuleId} > ${part.fullName}`;
  return `${name}: ${firstLine(part.errors()[0])}`;
}

function firstLine(error: unknown): string {
  const { message = String(error) } = (error ?? {}) as { message?: string };
  return message.split("\n", 1)[0] ?? "";
}

function skippedTest(test: TestCase): TestCounts["skipped"] {
  const result = test.result();
  if (result.state !== "skipped" && result.state !== "pending") return [];
  const reason = result.state === "skipped" ? result.note : undefined;
  return [{ file: test.module.relativeModuleId, reason: reason ?? "no reason given" }];
}
