/**
 * The service that a lab ends with, so that there is something to look at: deployed
 * once, at the hub, like any service of a person's. Who removes it is not given
 * it again.
 */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { PanopticonError } from "#base/errors.ts";
import type { Gate } from "#converge/gate.ts";
import type { SiteContext } from "#converge/phase.ts";
import { parseService, type ServiceFile } from "#model/service/parse.ts";
import type { Service } from "#model/service/service.ts";
import type { Plan } from "#plan/plan.ts";
import { readText } from "./files.ts";
import { EXAMPLES, stateDir } from "./folders.ts";
import { deployService, isChange } from "./service-deploy.ts";
import { planService } from "./service-plan.ts";

const SAMPLE = join(EXAMPLES, "services/echo.yaml");
/** Images are there already; what takes time is a box that has just booted all its machines. */
const SECONDS = 180;

/** Deploys it where that was not done yet. What goes wrong is told and fails nothing. */
export async function deploySample(plan: Plan, hub: SiteContext, gate: Gate): Promise<void> {
  if (isDone(plan)) return;
  const { emit, site } = hub;
  const apply = async (): Promise<void> => {
    const kube = await hub.kube();
    const planned = await planService(kube, await readSample(plan));
    const options = { timeoutSeconds: SECONDS, skip: [], emit, open: () => undefined };
    if (isChange(planned)) await deployService(kube, planned, options);
    await writeFile(marker(plan), "", { mode: 0o600 });
  };
  try {
    await gate.pass(site.name, "sample", { subject: site.name, what: "deploy the sample service", apply });
  } catch (error) {
    if (!(error instanceof PanopticonError)) throw error;
    const what = `the sample service is not well: ${error.message}`;
    emit({ kind: "note", subject: site.name, what });
  }
}

/** The sample where it was deployed; it may have been removed since. */
export async function sampleOf(plan: Plan): Promise<Service | undefined> {
  return isDone(plan) ? (await readSample(plan)).service : undefined;
}

/** The example, under a name of this lab's domain. */
async function readSample({ domain }: Plan): Promise<ServiceFile> {
  const document = parseDocument(await readText(SAMPLE, "It comes with the checkout."));
  document.set("host", `echo.${domain}`);
  return parseService(document.toString(), SAMPLE, { domain });
}

function isDone(plan: Plan): boolean {
  return existsSync(marker(plan));
}

function marker(plan: Plan): string {
  return join(stateDir(plan.federation), "sample-deployed");
}
