/** `panopticon site remove` and `readmit`: who belongs to the federation no more, and again. */
import { InvalidArgumentError, Option } from "commander";
import type { Emit } from "#base/events.ts";
import { wrongUse } from "#base/errors.ts";
import { command, type OutputOption } from "./command.ts";
import { type HubOption, useHub, withHub } from "./hub.ts";
import { count, say, show } from "./print.ts";

type Options = OutputOption & HubOption;

interface RemoveOptions extends Options {
  readonly drain?: boolean;
  readonly orphan?: boolean;
  readonly gone?: boolean;
  readonly dryRun?: boolean;
  readonly wait: number;
}

/** `remove`. */
export function removeCommand() {
  return withHub(
    command("remove", "take a site out of the federation for good", [
      "site remove cellar --drain --dry-run",
      "site remove cellar --drain",
      "site remove cellar --orphan --gone",
    ])
      .argument("<site>", "not the one that holds the crown")
      .addOption(new Option("--drain", "delete what was placed there").conflicts("orphan"))
      .option("--orphan", "leave what was placed there; it is nobody's then")
      .option("--gone", "the site is dead: do the hub's part alone; should it return, it leaves then")
      .option("--dry-run", "only say what would happen, and to how many objects")
      .option("--wait <seconds>", "for the site to leave", secondsOf, 300),
  ).action(remove);
}

async function remove(site: string, options: RemoveOptions): Promise<void> {
  const { output, drain, orphan, gone = false, dryRun, wait: waitSeconds, ...hub } = options;
  if (!drain && !orphan)
    throw wrongUse(
      "FEDERATION_FAREWELL_MISSING",
      `what shall become of what was placed on ${site}?`,
      "Choose one: --drain deletes it there, --orphan leaves it there and lets go of it.",
    );
  const farewell = drain ? "drain" : "orphan";
  const { planRemoval, removeSite } = await import("#app/removal.ts");
  if (dryRun) {
    const plan = await useHub(hub, ({ kube }) => planRemoval(kube, site));
    const what = drain ? "would be deleted there" : "would stay there and be nobody's";
    show(output, { site, farewell, gone, ...plan }, () => [
      `${count(plan.total, "object")} of the federation ${what}:`,
      ...Object.entries(plan.copies).map(([type, number]) => `  ${number}  ${type}`),
      `${site} would be in the federation no more. Nothing has been done.`,
    ]);
    return;
  }
  const emit: Emit = (event) => {
    if (event.kind === "note") say(`${event.subject}: ${event.what}`);
  };
  await useHub(hub, ({ kube }) => removeSite(kube, site, { farewell, gone, waitSeconds }, emit));
  const copies = gone
    ? "what is there was not touched"
    : drain
      ? "what was placed there is deleted"
      : "what was placed there stays, and is nobody's";
  show(output, { site, farewell, gone }, () => [`${site} is in the federation no more: ${copies}.`]);
}

/** `readmit`. */
export function readmitCommand() {
  return withHub(
    command("readmit", "let a removed site join again under its name", ["site readmit cellar"]).argument(
      "<site>",
      "that was removed",
    ),
  ).action(async (site: string, { output, ...hub }: Options) => {
    const { readmitSite } = await import("#app/removal.ts");
    await useHub(hub, ({ kube }) => readmitSite(kube, site));
    show(output, { site }, () => [`${site} may join again.`]);
  });
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (text === "" || !Number.isFinite(seconds) || seconds < 0)
    throw new InvalidArgumentError("Write a number of seconds, such as 300.");
  return seconds;
}
