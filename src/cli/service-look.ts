/** `panopticon service list`, `status`, `logs` and `remove`: services that are there. */
import { wrongUse } from "#base/errors.ts";
import { command, type OutputOption } from "./command.ts";
import { type HubOption, useServiceHub, withHub } from "./hub.ts";
import { colour, say, show } from "./print.ts";
import { listLines, statusLines } from "./service-text.ts";

interface Options extends OutputOption, HubOption {}

export function listCommand() {
  return withHub(command("list", "every service, and how it fares", ["service list"])).action(
    async ({ output, ...hub }: Options) => {
      const { listServices } = await import("#app/service-state.ts");
      const services = await useServiceHub(hub, ({ kube }) => listServices(kube));
      show(output, { services }, () => listLines(services));
    },
  );
}

export function statusCommand() {
  return withHub(
    command("status", "one service at each of its sites; ends with 1 where it is not well everywhere", [
      "service status shop",
    ]).argument("<name>", "the service's name"),
  ).action(async (name: string, { output, ...hub }: Options) => {
    const { serviceState } = await import("#app/service-state.ts");
    const state = await useServiceHub(hub, ({ kube }) => serviceState(kube, name));
    if (state.sites.some((one) => one.state !== "well")) process.exitCode = 1;
    show(output, state, statusLines);
  });
}

interface LogOptions extends Options {
  readonly site?: string;
  readonly tail: string;
  readonly previous?: boolean;
}

export function logsCommand() {
  return withHub(
    command("logs", "what a service's pods have said lately, at the sites the kubeconfig has contexts for", [
      "service logs shop",
      "service logs shop --site attic --tail 200",
    ])
      .argument("<name>", "the service's name")
      .option("--site <name>", "of this site only")
      .option("--tail <lines>", "lines from the end of each", "20")
      .option("--previous", "of the runs before the last restart"),
  ).action(async (name: string, { output, site: only, tail, previous, ...hub }: LogOptions) => {
    const lines = Number(tail);
    if (!/^[1-9][0-9]{0,5}$/.test(tail))
      throw wrongUse(
        "CLI_TAIL",
        `--tail ${tail} is no number of lines`,
        "Write a whole number, such as 200.",
      );
    const [{ serviceState }, { logsAt }] = await Promise.all([
      import("#app/service-state.ts"),
      import("#app/service-pods.ts"),
    ]);
    const logs = await useServiceHub(hub, async ({ kube, site: open }) => {
      const { namespace, sites } = await serviceState(kube, name);
      const places = sites.map(({ site }) => site).filter((site) => only === undefined || site === only);
      if (places.length === 0)
        throw wrongUse(
          "SERVICE_NOT_THERE",
          `${name} is not at ${only ?? "any site"}`,
          `Its sites are ${sites.map(({ site }) => site).join(", ")}.`,
        );
      const found = places.map(async (site) => {
        const own = open(site);
        const place = { name, namespace };
        if (own) return logsAt(site, own, place, { tail: lines, previous: previous === true });
        return [{ site, pod: "", lines: [], problem: `the kubeconfig has no context ${site}` }];
      });
      return (await Promise.all(found)).flat();
    });
    for (const { site, pod, problem } of logs)
      if (problem !== "") say(`${colour("yellow", "note", process.stderr)} ${site} ${pod}: ${problem}`);
    show(output, { logs }, () =>
      logs.flatMap(({ site, pod, lines: said }) =>
        said.map((line) => `${colour("dim", `${site} ${pod}`)} ${line}`),
      ),
    );
    if (logs.length === 0 && output === "text") say(`${name} has no pods.`);
  });
}

export function removeCommand() {
  return withHub(
    command("remove", "take a service away from every site", [
      "service remove shop --dry-run",
      "service remove notes --delete-data",
    ])
      .argument("<name>", "the service's name")
      .option("--dry-run", "say what would go, and remove nothing")
      .option("--delete-data", "its volumes, too"),
  ).action(
    async (
      name: string,
      {
        output,
        dryRun = false,
        deleteData = false,
        ...hub
      }: Options & { dryRun?: boolean; deleteData?: boolean },
    ) => {
      const { removeService } = await import("#app/service-remove.ts");
      const removed = await useServiceHub(hub, ({ kube }) =>
        removeService(kube, name, { dryRun, deleteData }),
      );
      show(output, { ...removed, dryRun }, ({ objects, namespaceStays }) => [
        ...objects.map((object) => `${object} ${dryRun ? "would go" : "goes"}.`),
        ...(namespaceStays === "" ? [] : [`The namespace stays: ${namespaceStays}.`]),
      ]);
    },
  );
}
