/** `panopticon conflict`: writes that a hub took after another had been crowned. */
import { type AddCommand, command, group, type OutputOption } from "./command.ts";
import { type HubOption, useHub, withHub } from "./hub.ts";
import { show, table } from "./print.ts";

/** Adds `conflict` with `list`, `apply` and `discard`. */
export const addConflict: AddCommand = (program) => {
  program.addCommand(
    group("conflict", "writes of a hub that was no longer crowned", [
      listCommand(),
      decideCommand("apply", "Apply", "make the hub have the write"),
      decideCommand("discard", "Discard", "leave the hub as it is"),
    ]),
  );
};

type Options = OutputOption & HubOption;

function listCommand() {
  return withHub(command("list", "say which there are", ["conflict list"])).action(
    async ({ output, ...hub }: Options) => {
      const { listConflicts } = await import("#app/federation.ts");
      const conflicts = await useHub(hub, ({ kube }) => listConflicts(kube));
      const rows = conflicts.map(({ metadata, spec, status }) => [
        metadata?.name ?? "",
        spec.operation,
        `${spec.kind} ${spec.namespace}/${spec.name}`,
        spec.site,
        status?.state ?? spec.resolution ?? "open",
      ]);
      show(output, { conflicts }, () =>
        rows.length === 0
          ? ["There are no conflicts."]
          : table(["name", "operation", "object", "site", "state"], rows),
      );
    },
  );
}

function decideCommand(name: string, resolution: "Apply" | "Discard", description: string) {
  return withHub(
    command(name, description, [`conflict ${name} federateddeployment-1f3a…`]).argument(
      "<name>",
      "as `conflict list` says",
    ),
  ).action(async (conflict: string, { output, ...hub }: Options) => {
    const { decideConflict } = await import("#app/federation.ts");
    await useHub(hub, ({ kube }) => decideConflict(kube, conflict, resolution));
    show(output, { conflict, resolution }, () => [`${conflict}: ${resolution}.`]);
  });
}
