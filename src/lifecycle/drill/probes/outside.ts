/** Whether a site's test service answers outside, at any of its entrances. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Forward } from "#ports/faults.ts";
import { type Gap, openGap } from "./gap.ts";

const CLIENT = fileURLToPath(new URL("./outside-client.ts", import.meta.url));

export interface OutsideWatch {
  /** When any of the site's entrances answered. */
  of(site: string): Gap;
  /** How long ago each entrance of a site answered, in seconds. */
  entrances(site: string): readonly number[];
  stop(): void;
}

/** Starts the client outside. @param prefix what is written before its command, by which it gets there. */
export function watchOutside(
  prefix: readonly string[],
  entrances: ReadonlyMap<string, readonly Forward[]>,
): OutsideWatch {
  const sites = new Map([...entrances.keys()].map((site) => [site, openGap()]));
  const each = new Map<string, Gap>();
  for (const [site, forwards] of entrances) {
    for (const { external, port } of forwards) each.set(`${site}=${external}:${port}`, openGap());
  }
  const [program = "", ...rest] = [...prefix, process.execPath, CLIENT, ...each.keys()];
  const child = spawn(program, rest, { stdio: ["ignore", "ignore", "ignore", "ipc"] });
  child.on("error", () => undefined); // then nothing ever answers, which is what is seen
  child.on("message", (target: string) => {
    each.get(target)?.answered();
    sites.get(target.split("=")[0] ?? "")?.answered();
  });
  return {
    of: (site) => sites.get(site) ?? openGap(),
    entrances: (site) =>
      [...each].filter(([target]) => target.startsWith(`${site}=`)).map(([, gap]) => gap.sinceAnswer()),
    stop: () => {
      if (child.connected) child.disconnect();
    },
  };
}
