/** `panopticon witness`: a small process for a machine anywhere, which votes on the crown and holds no data. */
import { InvalidArgumentError } from "commander";
import { type AddCommand, command, group, type OutputOption } from "./command.ts";
import { inForeground } from "./foreground.ts";
import { print, say, show } from "./print.ts";

/** Adds `witness` with `create` and `run`. */
export const addWitness: AddCommand = (program) => {
  program.addCommand(group("witness", "votes on the crown from outside", [createCommand(), runCommand()]));
};

interface CreateOptions extends OutputOption {
  readonly url: string;
  readonly name: string;
  readonly state?: string;
  readonly out: string;
}

function createCommand() {
  return command("create", "make a witness on this machine, and the file by which a federation asks it", [
    "witness create --url https://203.0.113.7:7443 --out witness.json",
    "witness create --url https://203.0.113.7:7443 --out - | ssh attic panopticon crown witness set --file -",
  ])
    .requiredOption("--url <url>", "how the sites and the operator reach it: https, host and port")
    .requiredOption("--out <file>", "where the file goes, which must not exist; - for standard output")
    .option("--name <name>", "by which votes and findings name it", "witness")
    .option("--state <folder>", "its own; $XDG_STATE_HOME/panopticon/witness where not given")
    .action(async ({ output, url, name, state, out }: CreateOptions) => {
      const [{ createWitness }, { fingerprintOf, witnessFileText }, { writeSecret }, { witnessFolder }] =
        await Promise.all([
          import("#app/witness/store.ts"),
          import("#app/witness/file.ts"),
          import("#app/files.ts"),
          import("#app/folders.ts"),
        ]);
      const folder = state ?? witnessFolder();
      const access = await createWitness(folder, { name, url }, new Date(), async (made) => {
        if (out === "-") print(witnessFileText(made).trimEnd());
        else await writeSecret(out, witnessFileText(made));
      });
      const { witness } = access;
      const pem = Buffer.from(witness.certificate, "base64").toString();
      const fingerprint = fingerprintOf(pem);
      const next = [
        `The witness ${witness.name} at ${witness.url} has the certificate SHA-256 ${fingerprint}.`,
        `Start it here:           panopticon witness run${state === undefined ? "" : ` --state ${state}`}`,
        `Then, with the hub's kubeconfig: panopticon crown witness set --file ${out === "-" ? "FILE" : out}`,
        "The file is a secret: whoever has it can ask for this witness's vote.",
      ];
      if (out === "-") return say(...next);
      show(output, { name: witness.name, url: witness.url, fingerprint, folder, file: out }, () => next);
    });
}

interface RunOptions {
  readonly state?: string;
  readonly listen?: string;
  readonly port?: number;
}

function runCommand() {
  return command("run", "answer those who ask for its vote, until it is ended", [
    "witness run",
    "witness run --state /var/lib/panopticon-witness --listen 10.0.0.7 --port 7443",
  ])
    .option("--state <folder>", "of `witness create`; $XDG_STATE_HOME/panopticon/witness where not given")
    .option("--listen <address>", "of this machine, where not all of them")
    .option("--port <number>", "where not that of its address", portOf)
    .action(async ({ state, listen, port }: RunOptions) => {
      const [{ runWitness }, { witnessFolder }] = await Promise.all([
        import("#app/witness/server.ts"),
        import("#app/folders.ts"),
      ]);
      const options = {
        folder: state ?? witnessFolder(),
        ...(listen !== undefined && { listen }),
        ...(port !== undefined && { port }),
      };
      await inForeground((emit, signal) => runWitness(options, emit, signal));
    });
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError("Give a number from 0 to 65535.");
}
