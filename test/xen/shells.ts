/** SSH through the emulator's forwarded ports: every machine is at 127.0.0.1 and differs by its port. */
import { join } from "node:path";
import { openSshShell } from "#drivers/ssh/shell.ts";
import type { Shell } from "#ports/shell.ts";

/** How to come to the server (`left`) and its guests; plain data. */
export interface Reach {
  /** With `known_hosts`; sockets go there too. */
  readonly folder: string;
  readonly keyFile: string;
  readonly ports: Readonly<Record<string, number>>;
}

/** One shell over all of them. */
export function portShell({ folder, keyFile, ports }: Reach): Shell {
  const shells = new Map<string, Shell>();
  for (const [name, port] of Object.entries(ports)) {
    const settings = {
      keyFile,
      knownHostsFile: join(folder, "known_hosts"),
      port,
      addressOf: () => "127.0.0.1",
      controlDir: join(folder, "s"),
    };
    shells.set(name, openSshShell(settings));
  }
  const of = (machine: string): Shell => {
    const shell = shells.get(machine);
    if (shell === undefined) throw new Error(`no port leads to ${machine}`);
    return shell;
  };
  return {
    run: (machine, argv, options) => of(machine).run(machine, argv, options),
    put: (machine, files) => of(machine).put(machine, files),
    close: async () => {
      for (const shell of shells.values()) await shell.close();
    },
  };
}
