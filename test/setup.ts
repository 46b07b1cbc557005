/** What the tests need of the box, brought where it may be and named where it can't. */
import { ensureHostPackages, inspectHost, missingPackages } from "#app/host.ts";
import { readFederation } from "#app/files.ts";
import { EXAMPLES } from "#app/folders.ts";
import { join } from "node:path";

/** Installs the Debian packages of the lab where this is root and PANOPTICON_NO_INSTALL is not set; says what it does. */
export async function preparePackages(say: (line: string) => void): Promise<void> {
  const missing = await missingPackages();
  if (missing.length === 0) return;
  const list = missing.join(" ");
  if (process.getuid?.() !== 0 || process.env["PANOPTICON_NO_INSTALL"]) {
    say(`the tests want the Debian packages ${list}; install them with: apt-get install ${list}`);
    return;
  }
  await ensureHostPackages({
    yes: true,
    emit: (event) => {
      if (event.kind === "note") say(`${event.what} (PANOPTICON_NO_INSTALL=1 prevents it)`);
    },
  });
}

/** Why no lab can run here, in words; undefined where it can. */
export async function labObstacle(): Promise<string | undefined> {
  const { federation } = await readFederation(join(EXAMPLES, "two-sites.yaml"));
  const missing = (await inspectHost(federation)).filter((finding) => finding.state === "missing");
  if (missing.length === 0) return undefined;
  return missing.map(({ subject, what }) => `${subject}: ${what}`).join("; ");
}
