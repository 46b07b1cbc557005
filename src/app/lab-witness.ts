/** The witness that a federation's file names, played by the lab: with its own keys, on the internet's side. */
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Gate } from "#converge/gate.ts";
import { keyFolders } from "#converge/keyring.ts";
import { sitesAuthority } from "#converge/pki/edge.ts";
import { witnessFiles } from "#converge/pki/names.ts";
import { readIfThere, replaceFile } from "#converge/pki/store.ts";
import { labNames } from "#drivers/lab/names.ts";
import { startWitness, type WitnessProcess, witnessRuns } from "#drivers/lab/witness.ts";
import type { Witness } from "#model/federation.ts";
import type { Plan } from "#plan/plan.ts";
import { witnessSteering } from "#render/ecam/steering.ts";
import type { RenderedFile } from "#render/files.ts";
import { stateDir } from "./folders.ts";

const PROGRAM = join(import.meta.dirname, "../cli/main.ts");

/** Starts it where the file names one and it does not run as it should; gives the number of changes. */
export async function ensureLabWitness(plan: Plan, gate: Gate): Promise<number> {
  const { witness } = plan;
  if (!witness) return 0;
  const folder = join(stateDir(plan.federation), "witness");
  const names = labNames(plan.federation);
  const played = processOf(folder, witness);
  if ((await witnessRuns(names, played)) && (await filesDiffer(plan, witness, folder)).length === 0) return 0;
  const apply = async (): Promise<void> => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const { path, content } of await filesDiffer(plan, witness, folder))
      await replaceFile(path, content);
    await startWitness(names, played);
  };
  const what = `play the witness at ${witness.address}`;
  await gate.pass(plan.crown, "witness", { subject: witness.name, what, apply });
  return 1;
}

function processOf(folder: string, { address }: Witness): WitnessProcess {
  const config = join(folder, "config.json");
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", PROGRAM];
  return { address, argv: [...node, "dns", "run", "--config", config], logFile: join(folder, "log") };
}

/** Its files that are not as they should be, for its own folder. */
async function filesDiffer(plan: Plan, witness: Witness, folder: string): Promise<readonly RenderedFile[]> {
  const config = {
    ...witnessSteering(plan, witness),
    status: join(folder, "status.json"),
  };
  const folders = keyFolders(stateDir(plan.federation));
  const sites = await sitesAuthority(folders.edge, plan, new Date());
  const keys = await witnessFiles(folders.names, witness.name, sites, new Date());
  const wanted = [
    { path: join(folder, "config.json"), content: `${JSON.stringify(config, null, 2)}\n`, mode: 0o600 },
    ...keys.map((file) => ({ ...file, path: join(folder, basename(file.path)) })),
  ];
  const same = await Promise.all(
    wanted.map(async ({ path, content }) => (await readIfThere(path)) === content),
  );
  return wanted.filter((_file, index) => !same[index]);
}
