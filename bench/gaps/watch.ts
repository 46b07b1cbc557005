/** Keeps the client's questions, and says how long a user saw nothing. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { AskerInput, ClientKind, Question } from "./question.ts";

export interface Asking {
  /** Questions that were asked since then (milliseconds since 1970). */
  since(moment: number): readonly Question[];
  end(): Promise<void>;
}

/** @param outside what is written before a command so that it runs in the internet */
export function startAsking(outside: readonly string[], input: AskerInput): Asking {
  const asker = join(import.meta.dirname, "asker.ts");
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", asker, JSON.stringify(input)];
  const [program = "", ...argv] = [...outside, ...node];
  const child = spawn(program, argv, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const questions: Question[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    questions.push(JSON.parse(line) as Question);
  });
  return {
    since: (moment) => questions.filter(({ asked }) => asked >= moment),
    end: async () => {
      child.stdin.end();
      await exited;
    },
  };
}

export interface Seen {
  readonly asked: number;
  readonly failed: number;
  /** Seconds: the longest time between two pages. */
  readonly longest: number;
  /** Seconds from `from` until the last question that failed was asked; 0 where none failed. */
  readonly lastFailure: number;
  readonly troubles: readonly string[];
}

/** What one client saw between two moments. */
export function seenBy(questions: readonly Question[], client: ClientKind, from: number): Seen {
  const own = questions.filter((one) => one.client === client);
  const pages = own.filter(({ trouble }) => trouble === "").map(({ ended }) => ended);
  const moments = [from, ...pages.toSorted((left, right) => left - right)];
  const failures = own.filter(({ trouble }) => trouble !== "");
  const gaps = moments.slice(1).map((moment, index) => moment - (moments[index] ?? moment));
  return {
    asked: own.length,
    failed: failures.length,
    longest: Math.max(0, ...gaps) / 1000,
    lastFailure: Math.max(0, ...failures.map(({ asked }) => asked - from)) / 1000,
    troubles: [...new Set(failures.map(({ trouble }) => trouble))],
  };
}
