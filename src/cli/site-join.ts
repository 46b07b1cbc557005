/** `panopticon site`: what lets sites join a federation. */
import { InvalidArgumentError, Option } from "commander";
import { command, group, type OutputOption } from "./command.ts";
import { type HubOption, useHub, withHub } from "./hub.ts";
import { print, say, show } from "./print.ts";

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

interface TokenOptions extends Options {
  readonly ttl: number;
  readonly site?: string;
  readonly kind?: "on-prem" | "cloud";
  readonly label: Readonly<Record<string, string>>;
  readonly endpoint?: readonly string[];
}

/** `token create`. */
export function tokenCommand() {
  const create = withHub(
    command("create", "print a short-lived secret with which one's agent may ask to join", [
      "site token create --site cellar > cellar.token",
      "site token create --ttl 10m --label region=eu | ssh cellar panopticon agent run … --join-token-file -",
    ])
      .addOption(
        new Option("--ttl <time>", "how long it can be used: 10m to 7d")
          .default(3600, "1h")
          .argParser(seconds),
      )
      .option("--site <name>", "whose it is: that site is admitted at once, no other with it")
      .addOption(new Option("--kind <kind>", "the only kind of site it is for").choices(["on-prem", "cloud"]))
      .addOption(
        new Option("--label <key=value...>", "given to the site that joins with it")
          .default({}, "none")
          .argParser(labels),
      )
      .option("--endpoint <url...>", "how the site reaches this hub, where not as all others do"),
  ).action(async ({ ttl, site, kind, label, endpoint, output, ...hub }: TokenOptions) => {
    const { makeJoinToken } = await import("#app/join.ts");
    const wish = { seconds: ttl, labels: label, ...(site && { site }), ...(kind && { kind }) };
    const { text, expiresAt } = await useHub(hub, ({ kube }) =>
      makeJoinToken(kube, { ...wish, ...(endpoint && { endpoints: endpoint }) }),
    );
    if (output === "json") return show(output, { token: text, expiresAt }, () => []);
    print(text);
    const whose = site === undefined ? "any site, once somebody admits it" : `site ${site}`;
    say(`For ${whose}, until ${expiresAt}. It is a secret: keep it in a file that only you can read.`);
  });
  return group("token", "secrets that bring new sites", [create]);
}

/** `admit` and `refuse`. */
export function decideCommands() {
  const decide = (name: string, decision: "Admit" | "Refuse", description: string, done: string) =>
    withHub(
      command(name, description, [`site ${name} cellar`]).argument(
        "<site>",
        "that asks to join, or its very request, as `site list` says",
      ),
    ).action(async (site: string, { output, ...hub }: Options) => {
      const { decideRequest } = await import("#app/join.ts");
      const decided = await useHub(hub, ({ kube }) => decideRequest(kube, site, decision));
      const requests = decided.map(({ metadata }) => metadata?.name ?? "");
      show(output, { requests, decision }, () => requests.map((request) => `${request} ${done}.`));
    });
  return [
    decide("admit", "Admit", "let a site join that asks to", "may join"),
    decide("refuse", "Refuse", "let a site not join", "may not join"),
  ];
}

/** Of `10m`, `1h`, `7d`. */
function seconds(text: string): number {
  const [, number, unit = ""] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const factor = { s: 1, m: 60, h: 3600, d: 86_400 }[unit];
  if (number === undefined || factor === undefined)
    throw new InvalidArgumentError("Write it as 10m, 1h or 7d.");
  return Number(number) * factor;
}

function labels(text: string, before: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Write it as key=value.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
