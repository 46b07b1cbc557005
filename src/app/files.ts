/** Reads what the person names and what we kept: federation files, plans. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { PanopticonError, wrongUse } from "#base/errors.ts";
import { stableJson } from "#base/hash.ts";
import type { FederationFile } from "#model/federation.ts";
import { parseFederation } from "#model/parse.ts";
import type { Plan } from "#plan/plan.ts";
import { EXAMPLES, stateDir } from "./folders.ts";

/** Reads and checks a federation file; its mistakes are one error with exit code 1. Paths in it are absolute then. */
export async function readFederation(file: string): Promise<FederationFile> {
  const text = await readText(file, `working examples are in ${EXAMPLES}`);
  const { federation, source } = parseFederation(text, file);
  const { acme } = federation;
  if (acme?.authorityFile === undefined) return { federation, source };
  const authorityFile = resolve(dirname(file), acme.authorityFile);
  return { federation: { ...federation, acme: { ...acme, authorityFile } }, source };
}

/** Reads a plan that `plan -o json` or a lab has written. */
export async function readPlan(file: string): Promise<Plan> {
  const hint = "give a file written by `panopticon plan FILE -o json`";
  const text = await readText(file, hint);
  const plan = parseJson(text);
  if (!isPlan(plan)) throw wrongUse("CLI_FILE_NO_PLAN", `${file} is not a plan of version 1`, hint);
  return plan;
}

/** The plan a federation was last brought up with; undefined where it never was. */
export async function previousPlan(federation: string): Promise<Plan | undefined> {
  try {
    return await readPlan(planFile(federation));
  } catch (error) {
    if (error instanceof PanopticonError && error.problems[0]?.code === "CLI_FILE_MISSING") return undefined;
    throw error;
  }
}

/** Keeps a plan for the next planning; complete or not at all. */
export async function savePlan(plan: Plan): Promise<void> {
  const file = planFile(plan.federation);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, `${stableJson(plan, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Writes a text that the person asked for. */
export async function writeText(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    throw wrongUse(
      "CLI_FILE_UNWRITABLE",
      `${file} can't be written (${code})`,
      "name a file in a folder that exists",
    );
  }
}

/** Writes a secret to a file that is made for it and that only its owner can read; CLI_FILE_UNWRITABLE where there is one already. */
export async function writeSecret(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: "wx", mode: 0o600 });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    throw wrongUse(
      "CLI_FILE_UNWRITABLE",
      `${file} can't be written (${code})`,
      "name a file that does not exist yet, in a folder that does",
    );
  }
}

function planFile(federation: string): string {
  return join(stateDir(federation), "plan.json");
}

/** Errors: CLI_FILE_MISSING, CLI_FILE_IS_FOLDER, CLI_FILE_UNREADABLE. @param hint what to do instead */
export async function readText(file: string, hint: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw unreadable(file, hint, (error as NodeJS.ErrnoException).code ?? "");
  }
}

function unreadable(file: string, hint: string, code: string): PanopticonError {
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return wrongUse("CLI_FILE_MISSING", `there is no file ${file}`, hint);
    case "EISDIR":
      return wrongUse("CLI_FILE_IS_FOLDER", `${file} is a folder, not a file`, hint);
    default:
      return wrongUse(
        "CLI_FILE_UNREADABLE",
        `${file} can't be read (${code})`,
        `look at it with \`ls -l ${file}\``,
      );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isPlan(value: unknown): value is Plan {
  return (
    typeof value === "object" &&
    value !== null &&
    (value as Partial<Plan>).version === 1 &&
    typeof (value as Partial<Plan>).federation === "string" &&
    Array.isArray((value as Partial<Plan>).sites)
  );
}
