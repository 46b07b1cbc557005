/** `panopticon site`: the federation's sites. */
import { wrongUse } from "#base/errors.ts";
import { type AddCommand, command, group, type OutputOption } from "./command.ts";
import { type HubOption, useHub, withHub } from "./hub.ts";
import { count, show, table } from "./print.ts";
import { decideCommands, prepareCommand, tokenCommand } from "./site-join.ts";
import { readmitCommand, removeCommand } from "./site-remove.ts";

/** Adds `site` and what can be done with one. */
export const addSite: AddCommand = (program) => {
  program.addCommand(
    group("site", "the federation's sites", [
      listCommand(),
      releaseCommand(),
      prepareCommand(),
      tokenCommand(),
      ...decideCommands(),
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
    const [{ listSites }, { listRequests }] = await Promise.all([
      import("#app/federation.ts"),
      import("#app/join.ts"),
    ]);
    const [sites, requests] = await useHub(hub, ({ kube, site }) =>
      Promise.all([listSites(kube, site), listRequests(kube)]),
    );
    const asking = requests.map(({ metadata, spec, status }) => [
      metadata?.name ?? "",
      spec.kind,
      status?.phase.toLowerCase() ?? "new",
      status?.message ?? "the hub's agent has not looked at it yet",
    ]);
    const rows = sites.map(({ name, kind, crowned, ready, message }) => [
      crowned ? `${name} (crown)` : name,
      kind,
      ready === undefined ? "unknown" : ready ? "ready" : "not ready",
      message,
    ]);
    const all = [...rows, ...asking];
    show(output, { sites, requests }, () => table(["site", "kind", "state", "why"], all));
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
