/** Run within the LAN: brings one machine's settings to its plan, as `apply` does, and tells what the driver says. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { PanopticonError } from "#base/errors.ts";
import { openSshShell } from "#drivers/ssh/shell.ts";
import { openXen } from "#drivers/xen/driver.ts";
import type { Plan } from "#plan/plan.ts";

const [planFile = "", keyFile = "", knownHostsFile = "", name = ""] = process.argv.slice(2);
const plan = JSON.parse(await readFile(planFile, "utf8")) as Plan;
const [site] = plan.sites;
const machine = site?.machines.find((each) => each.name === name);
if (!site || !machine) throw new RangeError(`no machine called ${name}`);
const shell = openSshShell({
  keyFile,
  knownHostsFile,
  addressOf: (address) => address,
  controlDir: join(tmpdir(), `panopticon-${process.getuid?.() ?? 0}`),
});
const xen = openXen({
  federation: plan.federation,
  shell,
  hostOf: (of, server) => of.servers.find((each) => each.name === server)?.address ?? "",
  imageOf: () => Promise.reject(new RangeError("nothing is made anew here")),
});
try {
  await xen.mend(site, machine);
  console.log(JSON.stringify({ left: (await xen.drift(site)).flatMap(({ what }) => what) }));
} catch (error) {
  if (!(error instanceof PanopticonError)) throw error;
  console.log(JSON.stringify({ refused: error.problems[0]?.code }));
} finally {
  await shell.close();
}
