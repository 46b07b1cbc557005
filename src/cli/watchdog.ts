/** `panopticon watchdog`: which workers announce a site's addresses. */
import { type AddCommand, command, group } from "./command.ts";
import { inForeground } from "./foreground.ts";

/** Adds `watchdog` with `run`. */
export const addWatchdog: AddCommand = (program) => {
  program.addCommand(
    group("watchdog", "excludes dead workers from the site's load balancer", [runCommand()]),
  );
};

function runCommand() {
  return command("run", "probe the site's workers, and exclude those that are dead, until it is ended", [
    "watchdog run --config /etc/panopticon/watchdog/config.json",
  ])
    .requiredOption("--config <file>", "as it was rendered for this machine")
    .action(async ({ config }: { readonly config: string }) => {
      const { runWatchdog } = await import("#app/watchdog/run.ts");
      await inForeground((emit, signal) => runWatchdog(config, emit, signal));
    });
}
