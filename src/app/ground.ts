/**
 * Which ground a federation's machines stand on from here: this box, or servers.
 * Its keys and plan are one set, and taking a lab down removes them: no lab may
 * go by the name of what runs on servers, nor the other way round.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { wrongUse } from "#base/errors.ts";
import { previousPlan } from "./files.ts";
import { stateDir } from "./folders.ts";

export type GroundKind = "lab" | "servers";

/**
 * LAB_ON_SERVERS or APPLY_LAB_IS_UP (exit 2) where it stands on the other one.
 * @param claim note down that it is this one from now on.
 */
export async function claimGround(
  federation: string,
  wanted: GroundKind,
  { claim }: { readonly claim: boolean },
): Promise<void> {
  const there = await groundOf(federation);
  if (there === "servers" && wanted === "lab") {
    throw wrongUse(
      "LAB_ON_SERVERS",
      `${federation} was applied to servers from here; a lab of the same name would take its keys.`,
      "Give the lab a copy of the file with another `name:`.",
    );
  }
  if (there === "lab" && wanted === "servers") {
    throw wrongUse(
      "APPLY_LAB_IS_UP",
      `a lab of ${federation} is on this box, with the same names and addresses.`,
      "Take it down first (`panopticon lab down FILE`), or give it another `name:`.",
    );
  }
  if (!claim || wanted === "lab") return;
  await mkdir(stateDir(federation), { recursive: true, mode: 0o700 });
  await writeFile(groundFile(federation), `${wanted}\n`, { mode: 0o600 });
}

/** Undefined where nothing was brought up from here. */
export async function groundOf(federation: string): Promise<GroundKind | undefined> {
  const text = await readFile(groundFile(federation), "utf8").catch(() => "");
  if (text.trim() === "servers") return "servers";
  return (await previousPlan(federation)) && "lab";
}

function groundFile(federation: string): string {
  return join(stateDir(federation), "ground");
}
