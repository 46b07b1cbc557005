/** A federation's rendered files in a folder. */
import { makePlan } from "#plan/make.ts";
import { XEN } from "#render/files.ts";
import { renderTree } from "#render/tree.ts";
import { previousPlan, readFederation } from "./files.ts";
import { type TreeChanges, writeTree } from "./tree.ts";

/** Plans the file as it would be built and makes `out` hold the files of every machine, as Xen guests get them. */
export async function renderFederation(file: string, out: string): Promise<TreeChanges> {
  const read = await readFederation(file);
  const plan = await makePlan(read, await previousPlan(read.federation.name));
  return writeTree(
    out,
    renderTree(plan, () => XEN),
  );
}
