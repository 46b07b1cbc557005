/**
 * `npm run bench`: the figures that the README and the docs state, measured in
 * one run on this box. `npm run bench -- plan` runs one part; `cold` runs only
 * when it is named, since it builds everything anew. `--quick` and `--full` say
 * how much load the federation is put under.
 */
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { cacheDir } from "#app/folders.ts";
import { coldBench } from "./cold.ts";
import { dnsBench } from "./dns.ts";
import { drillBench } from "./drill.ts";
import { memoryBench } from "./federation/memory.ts";
import { federationBench } from "./federation/run.ts";
import type { SizeName } from "./federation/size.ts";
import { type Figure, lineOf } from "./figure.ts";
import { gapsBench } from "./gaps/run.ts";
import { labBench } from "./lab.ts";
import { namesBench } from "./names.ts";
import { planBench } from "./plan.ts";
import { proofBench } from "./proof.ts";
import { serversBench } from "./servers.ts";
import { sitesBench } from "./sites/run.ts";

// What the launcher does: without it an agent keeps in memory what strips types.
process.env["NODE_COMPILE_CACHE"] ??= join(cacheDir(), "node");

const say = (line: string): void => console.error(line);
const SIZES: Readonly<Record<string, SizeName>> = { "--quick": "quick", "--full": "full" };
const size = process.argv.flatMap((word) => SIZES[word] ?? [])[0] ?? "usual";
const PARTS: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  plan: planBench,
  proof: proofBench,
  lab: () => labBench(say),
  drill: () => drillBench(say),
  federation: () => federationBench(say, size),
  memory: () => memoryBench(say, size),
  sites: () => sitesBench(say, size),
  names: namesBench,
  dns: () => dnsBench(say),
  gaps: () => gapsBench("gaps", say),
  majority: () => gapsBench("majority", say),
  servers: () => serversBench(say),
  cold: () => coldBench(say),
};
const USUAL = ["plan", "proof", "lab"];

const wanted = process.argv.slice(2).filter((word) => !(word in SIZES));
const unknown = wanted.filter((name) => !(name in PARTS));
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(", ")}; there are ${Object.keys(PARTS).join(", ")}.`);
  process.exit(2);
}

console.log(
  `${cpus().length} processors, ${Math.round(totalmem() / 2 ** 30)} GiB of memory, Node ${process.version}`,
);
for (const [name, bench] of Object.entries(PARTS)) {
  if (!(wanted.length > 0 ? wanted : USUAL).includes(name)) continue;
  for (const figure of await bench()) console.log(lineOf(figure));
}
