/**
 * Errors a person can act on. Every failure that leaves a room is one of these:
 * a stable code, the wrong value, where it is and what to do about it.
 */

/** A place in a text file; line and column count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One mistake, as data: what `-o json` prints. */
export interface Problem {
  /** Stable, such as `MODEL_UNKNOWN_KEY`; listed in docs/errors.md. */
  readonly code: string;
  /** One sentence: what is wrong, naming the wrong value. */
  readonly message: string;
  /** What to change or type next. */
  readonly hint?: string;
  readonly at?: Position;
  /** Path inside the file (`sites[0].network.lan`) or a machine's name. */
  readonly subject?: string;
}

/** Exit codes of the command line: 1 found wanting, 2 wrong use, 3 the world failed. */
export type ExitCode = 1 | 2 | 3;

/** One or more problems; `exit` says whose fault: the checked thing (1), the call (2) or the world (3). */
export class PanopticonError extends Error {
  override readonly name = "PanopticonError";
  readonly problems: readonly Problem[];
  readonly exit: ExitCode;

  constructor(problems: readonly Problem[], exit: ExitCode, options?: ErrorOptions) {
    super(problems.map(formatProblem).join("\n"), options);
    this.problems = problems;
    this.exit = exit;
  }
}

/** Says `file:line:column: CODE message (hint)` on one or two lines, without colour. */
export function formatProblem(problem: Problem): string {
  const where = problem.at ? `${problem.at.file}:${problem.at.line}:${problem.at.column}: ` : "";
  const hint = problem.hint ? `\n  → ${problem.hint}` : "";
  return `${where}${problem.code} ${problem.message}${hint}`;
}

/** The world did not do its part: a command failed, a machine did not answer (exit 3). */
export function worldFailed(code: string, message: string, hint?: string, cause?: unknown): PanopticonError {
  return new PanopticonError([{ code, message, ...(hint && { hint }) }], 3, { cause });
}

/** The call itself is wrong: a missing file, an unknown site (exit 2). */
export function wrongUse(code: string, message: string, hint?: string): PanopticonError {
  return new PanopticonError([{ code, message, ...(hint && { hint }) }], 2);
}
