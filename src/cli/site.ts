/** `panopticon site`: the federation's sites. */
import { wrongUse } from "#base/errors.ts";
import { type AddCommand, command, group, type OutputOption } from "./command.ts";
import { type HubOption, useHub, withHub } from "./hub.ts";
import { count, show, table } from "./print.ts";
import { prepareCommand } from "./site-join.ts";
import { readmitCommand, removeCommand } from "./site-remove.ts";

/** Adds `site` and what can be done with one. */
export const addSite: AddCommand = (program) => {
  program.addCommand(
    group("site", "the federation's sites", [
      listCommand(),
      releaseCommand(),
      prepareCommand(),
      removeCommand(),
      readmitCommand(),
    ]),
  );
};

type Options = OutputOption & HubOption;

function listCommand() {
  return withHub(
    command("list", "say which there are and whether their agents are heard", ["site list"]),
  ).action(async ({ output, ...hub }: Options) => {
    const { listSites } = await import("#app/federation.ts");
    const sites = await useHub(hub, ({ kube }) => listSites(kube));
    const rows = sites.map(({ name, kind, crowned, ready, message }) => [
      crowned ? `${name} (crown)` : name,
      kind,
      ready === undefined ? "unknown" : ready ? "ready" : "not ready",
      message,
    ]);
    show(output, { sites }, () => table(["site", "kind", "state", "why"], rows));
  });
}

function releaseCommand() {
  return withHub(
    command("release", "let go the deletions that are held back at a site", ["site release cellar 1001-4711"])
      .argument("<site>", "whose context is in the kubeconfig")
      .argument("<token>", "of exactly the deletions that you have looked at"),
  ).action(async (name: string, token: string, { output, ...hub }: Options) => {
    const { releaseBrake } = await import("#app/federation.ts");
    const released = await useHub(hub, ({ site }) => {
      const kube = site(name);
      if (!kube)
        throw wrongUse(
          "FEDERATION_NO_CONTEXT",
          `the kubeconfig has no context ${name}`,
          "Name it with --kubeconfig.",
        );
      return releaseBrake(kube, name, token);
    });
    show(output, { site: name, released }, () => [`${count(released, "deletion")} at ${name} may go on.`]);
  });
}
