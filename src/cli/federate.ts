/** `panopticon federate`: types and objects that shall be at every site. */
import { Option } from "commander";
import { wrongUse } from "#base/errors.ts";
import { type AddCommand, command, group, type OutputOption } from "./command.ts";
import { type HubOption, useHub, withHub } from "./hub.ts";
import { show } from "./print.ts";

/** Adds `federate` with `init`, `enable` and `object`, the last of which is meant where none is named. */
export const addFederate: AddCommand = (program) => {
  const federate = group("federate", "begin a federation; federate types and objects", [
    initCommand(),
    enableCommand(),
  ]);
  federate.addCommand(objectCommand(), { isDefault: true });
  program.addCommand(federate);
};

interface Options extends OutputOption, HubOption {
  readonly namespace?: string;
}

function initCommand() {
  return withHub(
    command("init", "make a cluster the hub of a new federation", [
      "federate init --kubeconfig attic.yaml",
      "federate init --site attic --kubeconfig attic.yaml",
    ])
      .option("--site <name>", "the name of the site that the cluster is; else its agent gives it one")
      .option("--endpoint <url>", "how other sites reach its API, where not as the kubeconfig says"),
  ).action(async ({ site, endpoint, output, ...hub }: Options & { site?: string; endpoint?: string }) => {
    const { initFederation } = await import("#app/federation.ts");
    const { holder, epoch } = await useHub(hub, ({ kube, server, authority }) =>
      initFederation(kube, {
        name: site,
        endpoint: endpoint ?? server,
        ...(authority !== undefined && { authority }),
      }),
    );
    show(output, { holder: holder ?? null, epoch }, () => [
      holder === undefined
        ? "This cluster is the hub; the crown is its site's once an agent says which one that is."
        : `The crown is at ${holder} (epoch ${epoch}).`,
      `Next: panopticon agent run --site ${holder ?? "NAME"} --kubeconfig …; panopticon federate enable namespaces`,
    ]);
  });
}

function enableCommand() {
  return withHub(
    command("enable", "make a type federated", [
      "federate enable namespaces",
      "federate enable deployments.apps --collect-status",
    ])
      .argument("<type>", "as kubectl takes it")
      .option("--collect-status", "bring the status that objects have at each site to the hub"),
  ).action(async (type: string, { output, collectStatus, ...hub }: Options & { collectStatus?: boolean }) => {
    const { enableType } = await import("#app/federate.ts");
    const enabled = await useHub(hub, ({ kube }) => enableType(kube, type, collectStatus));
    show(output, enabled, () => [`${enabled.type} is federated by ${enabled.federated}.`]);
  });
}

interface ObjectOptions extends Options {
  readonly values: readonly string[];
  readonly to?: string;
  readonly selector?: string;
}

function objectCommand() {
  return withHub(
    command("object", "federate the objects of files, or one that the hub has; at first to every site", [
      "federate app.yaml",
      "federate app.yaml --to attic,cellar",
      "federate ./overlays/home",
      "federate ./charts/shop --values shop.yaml --namespace shop",
      "federate deployment web --namespace shop --selector disk=fast",
    ])
      .argument("<what...>", "files, folders of a kustomization or a Helm chart, or a type and a name")
      .option("-n, --namespace <name>", "of objects that name none")
      .option("--values <file>", "of a Helm chart; can be given again", gather, [])
      .option("--to <sites>", "these sites only, with commas between; what is there already keeps its place")
      .addOption(
        new Option("--selector <labels>", "sites with these labels, such as disk=fast,zone=a").conflicts(
          "to",
        ),
      ),
  ).action(
    async (what: readonly string[], { output, namespace, to, selector, values, ...hub }: ObjectOptions) => {
      const { federateExisting, federateFiles } = await import("#app/federate.ts");
      const [type = "", name = ""] = what;
      const isType = what.length === 2 && !/[./\\]/.test(name) && !/\.(ya?ml|json)$/.test(type);
      const where = {
        ...(to !== undefined && { sites: to.split(",").filter(Boolean) }),
        ...(selector !== undefined && { labels: labelsOf(selector) }),
      };
      const federated = await useHub(hub, (open) => {
        const place = { namespace: namespace ?? open.namespace, values, ...where };
        return isType
          ? federateExisting(open.kube, type, name, place)
          : federateFiles(open.kube, what, place);
      });
      show(output, { federated }, () => federated.map((one) => `${one} is there.`));
    },
  );
}

/** Adds a word to those that were given before. */
function gather(word: string, before: readonly string[]): readonly string[] {
  return [...before, word];
}

function labelsOf(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(",").map((pair) => pair.split("="));
  if (pairs.some((pair) => pair.length !== 2 || pair[0] === ""))
    throw wrongUse("FEDERATION_SELECTOR", `"${text}" is no list of labels`, "Write disk=fast,zone=a.");
  return Object.fromEntries(pairs as [string, string][]);
}
