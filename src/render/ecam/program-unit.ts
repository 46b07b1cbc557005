/** A unit that runs our program on an ECAM: no user of the machine, no right beyond the network. */
import { emitSystemd, type SystemdEntry } from "../formats/systemd.ts";

/** Where our program is on machines without containers; `current` in it leads to the one in use. */
export const PROGRAM_FOLDER = "/opt/panopticon";
export const PROGRAM = `${PROGRAM_FOLDER}/current/src/cli/main.ts`;
/** A heap that is swept early: the process lives long and needs little. */
const NODE_FLAGS = ["--heap-growing-percent=20", "--max-semi-space-size=1"] as const;

export interface ProgramUnit {
  readonly description: string;
  readonly after: string;
  /** Our command. */
  readonly run: readonly string[];
  /** Files that it alone is given copies of, under these names (`credentialOf`). */
  readonly secrets: { readonly folder: string; readonly names: readonly string[] };
  /** More of the service. */
  readonly service?: readonly SystemdEntry[];
  readonly memory: string;
}

/** Where systemd puts a unit's copies of its secrets. */
export function credentialOf(unit: string, secret: string): string {
  return `/run/credentials/${unit}/${secret}`;
}

export function programUnit({ description, after, run, secrets, service = [], memory }: ProgramUnit): string {
  const node = [`${PROGRAM_FOLDER}/current/bin/node`, ...NODE_FLAGS, "--disable-warning=ExperimentalWarning"];
  const loaded = secrets.names.map(
    (name) => ["LoadCredential", `${name}:${secrets.folder}/${name}`] as const,
  );
  return emitSystemd([
    {
      name: "Unit",
      entries: [
        ["Description", description],
        ["After", after],
        // Before the program was brought there is nothing to start with.
        ["ConditionPathExists", PROGRAM],
        ["StartLimitIntervalSec", 0],
      ],
    },
    {
      name: "Service",
      entries: [
        ["ExecStart", { argv: [...node, PROGRAM, ...run] }],
        ["Restart", "always"],
        ["RestartSec", 1],
        ["DynamicUser", true],
        ...loaded,
        ...service,
        ["CapabilityBoundingSet", ""],
        ["NoNewPrivileges", true],
        ["ProtectSystem", "strict"],
        ["ProtectHome", true],
        ["PrivateDevices", true],
        ["ProtectKernelTunables", true],
        ["ProtectControlGroups", true],
        // Netlink tells which addresses the machine has.
        ["RestrictAddressFamilies", "AF_INET AF_UNIX AF_NETLINK"],
        ["MemoryMax", memory],
      ],
    },
    { name: "Install", entries: [["WantedBy", "multi-user.target"]] },
  ]);
}
