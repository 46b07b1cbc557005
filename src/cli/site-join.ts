/** `panopticon site`: what lets sites join a federation. */
import { command, type OutputOption } from "./command.ts";
import { type HubOption, useHub, withHub } from "./hub.ts";
import { show } from "./print.ts";

type Options = OutputOption & HubOption;

/** `prepare`, so that an agent needs no administrator's rights. */
export function prepareCommand() {
  return withHub(
    command("prepare", "give a site's cluster what its agent needs, so that the agent is no administrator", [
      "site prepare --site cellar --kubeconfig cellar-admin.yaml",
    ]).requiredOption("--site <name>", "the name of the site that the cluster is"),
  ).action(async ({ site, output, ...hub }: Options & { site: string }) => {
    const { prepareSite } = await import("#app/join.ts");
    await useHub(hub, ({ kube }) => prepareSite(kube, site));
    show(output, { site, agent: `panopticon:agent:${site}` }, () => [
      `The cluster is prepared as site ${site}.`,
      `Its agent is the user panopticon:agent:${site}, or the service account panopticon-agent in kube-federation-system.`,
    ]);
  });
}
