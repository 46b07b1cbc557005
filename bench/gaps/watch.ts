/** Keeps the client's questions, and says how long a user saw nothing. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Answer, AskerInput, ClientKind, Question } from "./question.ts";

export interface Asking {
  /** Questions that were asked since then (milliseconds since 1970). */
  since(moment: number): readonly Question[];
  /** What name servers said since then. */
  answersSince(moment: number): readonly Answer[];
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
  const answers: Answer[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    const said = JSON.parse(line) as Question | Answer;
    if ("server" in said) answers.push(said);
    else questions.push(said);
  });
  return {
    since: (moment) => questions.filter(({ asked }) => asked >= moment),
    answersSince: (moment) => answers.filter(({ asked }) => asked >= moment),
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

export interface SeenNames {
  /** Seconds until every server that answers leaves the site out; NaN where one never does. */
  readonly leftOut: number;
  /** Answers without any address, by a server that was not silent. */
  readonly empty: number;
  /** Answers of the site's own servers that name nobody but it. */
  readonly alone: number;
  /** Answers of the site's own servers. */
  readonly own: number;
}

/** What name servers said since `from` of a site with these external addresses. */
export function namesSeen(answers: readonly Answer[], site: readonly string[], from: number): SeenNames {
  const others = answers.filter(({ server, trouble }) => !site.includes(server) && trouble === "");
  const naming = others.filter(({ addresses }) => addresses.some((address) => site.includes(address)));
  const last = Math.max(from, ...naming.map(({ asked }) => asked));
  const after = new Set(others.filter(({ asked }) => asked > last).map(({ server }) => server));
  const all = new Set(others.map(({ server }) => server));
  const own = answers.filter(({ server, trouble }) => site.includes(server) && trouble === "");
  return {
    leftOut: after.size === all.size && all.size > 0 ? (last - from) / 1000 : Number.NaN,
    empty: answers.filter(({ trouble }) => trouble === "ENODATA").length,
    alone: own.filter(({ addresses }) => addresses.every((address) => site.includes(address))).length,
    own: own.length,
  };
}
