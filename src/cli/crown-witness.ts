/** `panopticon crown witness`: the outside vote of a federation whose sites alone are even in number. */
import type { WitnessFile, WitnessSight } from "#app/witness/voting.ts";
import type { CrownWitness } from "#control/federation/api/crown.ts";
import { command, group, type OutputOption } from "./command.ts";
import { type HubOption, useHub, withHub } from "./hub.ts";
import { show } from "./print.ts";

type Options = OutputOption & HubOption;

export function crownWitnessCommand() {
  return group("witness", "the outside vote where sites are even in number", [setCommand(), removeCommand()]);
}

function setCommand() {
  return withHub(
    command("set", "let a witness vote on the crown; again, to bring its secret to sites that lack it", [
      "crown witness set --file witness.json",
    ]).requiredOption("--file <file>", "of `witness create`; - for standard input"),
  ).action(async ({ output, file, ...hub }: Options & { readonly file: string }) => {
    const [{ setWitness }, { fingerprintOf, readWitnessFile }] = await Promise.all([
      import("#app/witness/membership.ts"),
      import("#app/witness/file.ts"),
    ]);
    const { name, text } = await readWitness(file);
    const access = readWitnessFile(text, name);
    const done = await useHub(hub, ({ kube, site }) => setWitness(kube, site, access));
    const pem = Buffer.from(done.witness.certificate, "base64").toString();
    show(output, done, ({ witness, votes, kept, missing }) => [
      `The witness is ${witness.name} at ${witness.url} (SHA-256 ${fingerprintOf(pem)}).`,
      votes
        ? "It votes whenever the crown is to be taken."
        : "The sites are odd in number now: it votes once they are even.",
      `Its secret is at ${kept.join(", ")}.`,
      ...(missing.length === 0
        ? []
        : [`Not at ${missing.join(", ")}, out of reach now: do this again once they are there.`]),
    ]);
  });
}

function removeCommand() {
  return withHub(
    command("remove", "let the federation have no witness any more", ["crown witness remove"]),
  ).action(async ({ output, ...hub }: Options) => {
    const { removeWitness } = await import("#app/witness/membership.ts");
    const done = await useHub(hub, ({ kube, site }) => removeWitness(kube, site));
    show(output, done, ({ witness, left }) => [
      witness ? `The witness ${witness.name} votes no more.` : "The federation has no witness.",
      ...(left.length === 0 ? [] : [`Its secret may still be at ${left.join(", ")}, out of reach now.`]),
    ]);
  });
}

/** A file of `witness create`. Errors: CLI_FILE_…. */
export async function readWitness(file: string): Promise<WitnessFile> {
  const [{ readText }, { text }] = await Promise.all([
    import("#app/files.ts"),
    import("node:stream/consumers"),
  ]);
  if (file === "-") return { name: "standard input", text: await text(process.stdin) };
  return {
    name: file,
    text: await readText(file, "Name the file that `panopticon witness create` has written."),
  };
}

/** Lines of `crown show`. */
export function witnessLines({ name, url }: CrownWitness, sight: WitnessSight): readonly string[] {
  const head = `Its witness is ${name} at ${url}.`;
  if (!sight.answers) return [`${head} It can't be asked: ${sight.why}`];
  const { report } = sight;
  const heard =
    report.heardSecondsAgo === undefined
      ? `has not heard ${report.holder} in ${Math.round(report.listeningSeconds)} s`
      : `heard ${report.holder} ${Math.round(report.heardSecondsAgo)} s ago`;
  return [`${head} It answers, knows of epoch ${report.epoch}, and ${heard}.`];
}
