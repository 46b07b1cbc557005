/** Where a run begins: the list of commands, and how each ends. */
import { Command } from "commander";
import manifest from "../../package.json" with { type: "json" };
import { addAdopt } from "./adopt.ts";
import { addAgent } from "./agent.ts";
import { addApply } from "./apply.ts";
import { addCertificate } from "./certificate.ts";
import { addCheck } from "./check.ts";
import type { AddCommand } from "./command.ts";
import { addCompletion } from "./completion.ts";
import { addComponents } from "./components.ts";
import { addConflict } from "./conflict.ts";
import { addCrown } from "./crown.ts";
import { addDns } from "./dns.ts";
import { addDoctor } from "./doctor.ts";
import { addDrill } from "./drill.ts";
import { reportFailure } from "./failure.ts";
import { addFederate } from "./federate.ts";
import { addImage } from "./image.ts";
import { addKubeconfig } from "./kubeconfig.ts";
import { addLab } from "./lab.ts";
import { addPanels } from "./panels.ts";
import { addPlan } from "./plan.ts";
import { addProve } from "./prove.ts";
import { addRender } from "./render.ts";
import { addSchema } from "./schema.ts";
import { addServer } from "./server.ts";
import { addService } from "./service.ts";
import { addShell } from "./shell.ts";
import { addSite } from "./site.ts";
import { addStatus } from "./status.ts";
import { addUsb } from "./usb.ts";
import { addWatchdog } from "./watchdog.ts";
import { addWitness } from "./witness.ts";
import { endQuietly, INTERRUPTED, interrupted } from "./streams.ts";

/** Every command, in the order the help shows them. */
const commands: readonly AddCommand[] = [
  addCheck,
  addPlan,
  addProve,
  addRender,
  addSchema,
  addComponents,
  addImage,
  addLab,
  addApply,
  addAdopt,
  addServer,
  addUsb,
  addShell,
  addDrill,
  addStatus,
  addService,
  addPanels,
  addFederate,
  addSite,
  addCrown,
  addConflict,
  addAgent,
  addWitness,
  addDns,
  addWatchdog,
  addCertificate,
  addKubeconfig,
  addDoctor,
  addCompletion,
];

const EXAMPLE = `
Example:
  $ panopticon lab up examples/two-sites.yaml --yes

Exit codes: 0 done, 1 found wanting, 2 wrong use, 3 the world failed.`;

/** The whole program, with every error thrown rather than ended on. */
function makeProgram(): Command {
  const program = new Command("panopticon")
    .description(manifest.description)
    .version(manifest.version, "--version")
    .addHelpText("after", EXAMPLE);
  for (const add of commands) add(program);
  throwErrors(program);
  return program;
}

function throwErrors(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) throwErrors(child);
}

endQuietly();
process.on("uncaughtException", (error) => process.exit(reportFailure(error, false)));
try {
  await makeProgram().parseAsync();
} catch (error) {
  process.exitCode = interrupted() ? INTERRUPTED : reportFailure(error, wantsJson(process.argv));
}

/** Whether the call asked for JSON; read from the words, because the error may have come before any parsing. */
function wantsJson(words: readonly string[]): boolean {
  return words.some(
    (word, index) =>
      ["-ojson", "--output=json"].includes(word) ||
      (word === "json" && ["-o", "--output"].includes(words[index - 1] ?? "")),
  );
}
