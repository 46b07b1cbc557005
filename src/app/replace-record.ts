/** The replacement of a server that is under way, if one is: nothing else may work on its federation meanwhile. */
import { wrongUse } from "#base/errors.ts";
import { openRecords, type ReplaceRecords } from "#lifecycle/replace/record.ts";
import { stateDir } from "./folders.ts";

export function replaceRecords(federation: string): ReplaceRecords {
  return openRecords(stateDir(federation));
}

/** SERVER_REPLACE_UNDER_WAY (exit 2): a bring-up would start what is left of the dead server's machines. */
export async function refuseWhileReplacing(federation: string): Promise<void> {
  const record = await replaceRecords(federation).read();
  if (!record) return;
  const { site, old, fresh } = record;
  throw wrongUse(
    "SERVER_REPLACE_UNDER_WAY",
    `${old} of ${site} is being replaced, and that was cut off.`,
    `Go on with it: panopticon server replace ${site}/${old} ${site}/${fresh} FILE`,
  );
}
