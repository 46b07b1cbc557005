/**
 * A process of its own that outlives the drill: it reads a pipe from it, and
 * where that closes without a last word the drill was killed, so what it left is
 * taken back. Its arguments are the federation file and nothing else.
 */
import { readFederation } from "./files.ts";
import { restoreAfterDrill } from "./drill.ts";

const [file = ""] = process.argv.slice(2);
let said = "";
for await (const chunk of process.stdin) said += String(chunk);
if (said !== "done") {
  const log = (line: string) => process.stdout.write(`${new Date().toISOString()} ${line}\n`);
  log("the drill did not end well");
  await restoreAfterDrill(await readFederation(file), (event) => {
    if (event.kind === "note") log(`${event.subject}: ${event.what}`);
  });
  log("what it left is taken back");
}
