/** `panopticon dns`: which addresses names have, decided by the sites together. */
import type { Delegation } from "#app/dns/delegation.ts";
import { type AddCommand, command, group, labFile, type OutputOption } from "./command.ts";
import { statusLines } from "./dns-text.ts";
import { inForeground } from "./foreground.ts";
import { show } from "./print.ts";

/** Adds `dns` with `run`, `status` and `ds`. */
export const addDns: AddCommand = (program) => {
  program.addCommand(
    group("dns", "which addresses names have, and why", [runCommand(), statusCommand(), dsCommand()]),
  );
};

function runCommand() {
  return command("run", "see what answers, vote with the other sites, and change this site's names", [
    "dns run --config /etc/panopticon/steering/config.json",
  ])
    .requiredOption("--config <file>", "as it was rendered for this machine")
    .action(async ({ config }: { readonly config: string }) => {
      const { runSteering } = await import("#app/dns/run.ts");
      await inForeground((emit, signal) => runSteering(config, emit, signal));
    });
}

function statusCommand() {
  return command("status", "who sees what, and why an address is in or out", [
    "dns status",
    "dns status /run/panopticon/steering.json -o json",
  ])
    .argument("[file]", "that steering writes each second", "/run/panopticon/steering.json")
    .action(async (file: string, { output }: OutputOption) => {
      const { readSteeringStatus } = await import("#app/dns/status.ts");
      show(output, await readSteeringStatus(file), statusLines);
    });
}

function dsCommand() {
  return command("ds", "print what the registrar of a signed domain is given", [
    "dns ds",
    "dns ds home.yaml -o json",
  ])
    .argument("[file]", "federation file (examples/two-sites.yaml where none is named)")
    .action(async (file: string | undefined, { output }: OutputOption) => {
      const [{ readFederation }, { labPlan }, { delegationOf }] = await Promise.all([
        import("#app/files.ts"),
        import("#app/lab.ts"),
        import("#app/dns/delegation.ts"),
      ]);
      const { federation } = await readFederation(labFile(file));
      show(output, await delegationOf(await labPlan(federation.name)), dsLines);
    });
}

/** The record as a zone has it, and its parts as registrars' forms ask for them. */
function dsLines({
  domain,
  keyTag,
  algorithm,
  digestType,
  digest,
  publicKey,
}: Delegation): readonly string[] {
  return [
    `${domain}. DS ${keyTag} ${algorithm} ${digestType} ${digest}`,
    "",
    `Key tag      ${keyTag}`,
    `Algorithm    ${algorithm} (ECDSA P-256, SHA-256)`,
    `Digest type  ${digestType} (SHA-256)`,
    `Digest       ${digest}`,
    `Public key   ${publicKey} (flags 257, protocol 3)`,
  ];
}
