/**
 * A process of its own that outlives the drill: it reads a pipe from it, and
 * where that closes without a last word the drill was killed, so what it left is
 * taken back. Its arguments are the federation file and nothing else.
 */
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { restoreAfterDrill } from "./drill.ts";
import { readFederation } from "./files.ts";
import { stateDir } from "./folders.ts";

const [path = ""] = process.argv.slice(2);
const file = await readFederation(path);
const logFile = join(stateDir(file.federation.name), "drill", "guardian.log");
const log = (what: string): Promise<void> =>
  // Where the lab was taken down meanwhile there is no folder, and nothing to tell.
  appendFile(logFile, `${new Date().toISOString()} ${what}\n`, { mode: 0o600 }).catch(() => undefined);

let said = "";
for await (const chunk of process.stdin) said += String(chunk);
if (said !== "done") {
  await log("the drill did not end well");
  const told: Promise<void>[] = [];
  await restoreAfterDrill(file, (event) => {
    if (event.kind === "note") told.push(log(`${event.subject}: ${event.what}`));
  });
  await Promise.all(told);
  await log("what it left is taken back");
}
