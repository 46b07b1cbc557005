/** A vitest reporter that writes what `test/run.ts` adds up: counts, and why each skipped test was skipped. */
import { writeFileSync } from "node:fs";
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** Where the counts go; set by `test/run.ts`. */
export const RESULT_VARIABLE = "PANOPTICON_TEST_RESULT";

export interface TestCounts {
  readonly passed: number;
  /** Failed tests, files that could not be loaded and hooks that failed. */
  readonly failed: number;
  /** File and reason of each skipped test. */
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const file = process.env[RESULT_VARIABLE];
    if (!file) return;
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const broken = modules.flatMap((module) => [module, ...module.children.allSuites()]);
    const counts: TestCounts = {
      passed: tests.filter((test) => test.result().state === "passed").length,
      failed:
        tests.filter((test) => test.result().state === "failed").length +
        broken.filter((part) => part.errors().length > 0).length +
        unhandled.length,
      skipped: tests.flatMap(skippedTest),
    };
    writeFileSync(file, JSON.stringify(counts));
  }
}

function skippedTest(test: TestCase): TestCounts["skipped"] {
  const result = test.result();
  if (result.state !== "skipped" && result.state !== "pending") return [];
  const reason = result.state === "skipped" ? result.note : undefined;
  return [{ file: test.module.relativeModuleId, reason: reason ?? "no reason given" }];
}
