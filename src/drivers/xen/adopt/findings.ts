/** Judges a host: what it lacks to carry machines, why that matters, and what to do. Pure. */
import { bridgeFindings } from "./bridge.ts";
import { dom0MemoryFindings } from "./dom0-memory.ts";
import type { HostFacts } from "./facts.ts";
import type { ServerFinding } from "./finding.ts";
import { iommuFindings } from "./passthrough.ts";
import { SERVER_PROGRAMS } from "./script.ts";
import { storageFindings } from "./storage.ts";
import { AUTO_FOLDER, SAVE_NOTHING, START_LINKED } from "../xendomains.ts";

/** Debian's own packages of Xen on these were tried: 4.17 and 4.20. */
const RELEASES = ["12", "13"];

/** What the findings depend on besides the host. */
export interface Wanted {
  /** What dom0 shall keep. */
  readonly dom0MiB: number;
}

/** Everything that is wanting, the gravest first, else in the order in which a person would mend it. */
export function judgeServer(facts: HostFacts, wanted: Wanted): readonly ServerFinding[] {
  const found = [
    ...release(facts),
    ...programs(facts),
    ...xen(facts),
    ...dom0MemoryFindings(facts, wanted.dom0MiB),
    ...bridgeFindings(facts),
    ...storageFindings(facts),
    ...xendomains(facts),
    ...time(facts),
    ...iommuFindings(facts),
  ];
  const rank: Readonly<Record<ServerFinding["severity"], number>> = { critical: 0, warning: 1, note: 2 };
  return found.toSorted((one, other) => rank[one.severity] - rank[other.severity]);
}

/** Whether the server could carry machines as it is. */
export function couldCarry(findings: readonly ServerFinding[]): boolean {
  return findings.every(({ severity }) => severity !== "critical");
}

function release({ release: { id, version, title } }: HostFacts): readonly ServerFinding[] {
  if (id === "debian" && RELEASES.includes(version)) return [];
  const base = { subject: "Debian", what: `this is ${title || "an unknown system"}` };
  if (id === "debian") {
    return [
      {
        ...base,
        code: "SERVER_RELEASE_UNTRIED",
        severity: "warning",
        why: "Panopticon was tried with the Xen of Debian 12 and 13",
        todo: "use Debian 13, or see for yourself",
      },
    ];
  }
  return [
    {
      ...base,
      code: "SERVER_NOT_DEBIAN",
      severity: "critical",
      why: "the driver calls Xen's tools, LVM and services as Debian has them",
      todo: "install Debian 13 with its package xen-system-amd64",
    },
  ];
}

function programs({ missingPrograms }: HostFacts): readonly ServerFinding[] {
  if (missingPrograms.length === 0) return [];
  const packages = [...new Set(missingPrograms.map((name) => SERVER_PROGRAMS[name] ?? name))];
  return [
    {
      code: "SERVER_NO_PROGRAM",
      severity: "critical",
      subject: "programs",
      what: `not there: ${missingPrograms.join(", ")}`,
      why: "the driver calls them; what they would have told is missing here",
      todo: `on the server: apt-get install ${packages.join(" ")}`,
    },
  ];
}

function xen({ xen: state }: HostFacts): readonly ServerFinding[] {
  if (state.info !== undefined) return [];
  const base = { code: "SERVER_NO_XEN", severity: "critical", subject: "Xen" } as const;
  const why = "machines are domains of Xen";
  if (state.dom0) {
    const todo = "look at: systemctl status xen xenstored; journalctl -u xen";
    return [{ ...base, why, what: "this is dom0, and `xl info` does not answer", todo }];
  }
  if (state.under) {
    const todo = "name the host that it runs on";
    return [{ ...base, why, what: "this is itself a guest of Xen, which can't have guests", todo }];
  }
  if (state.installed) {
    const todo =
      "reboot it into the menu's entry with Xen; Debian makes that the first one (dpkg-reconfigure xen-hypervisor-common, update-grub)";
    return [{ ...base, why, what: "it is installed, and the server was booted without it", todo }];
  }
  const todo = "on the server: apt-get install xen-system-amd64, then reboot";
  return [{ ...base, why, what: "it is not installed", todo }];
}

function xendomains({ xendomains: settings, xen: state }: HostFacts): readonly ServerFinding[] {
  if (state.info === undefined) return []; // the file comes with Xen
  const found: ServerFinding[] = [];
  if (settings.savesGuests) {
    found.push({
      code: "SERVER_SAVES_GUESTS",
      severity: "critical",
      subject: "xendomains",
      what: "the server saves its guests when it stops, and restores them when it boots",
      why: "a restored machine lives in the past: its clock, its etcd and its leases are those of before",
      todo: 'set XENDOMAINS_SAVE="" in /etc/default/xendomains',
      fix: { files: [], commands: [SAVE_NOTHING] },
    });
  }
  if (!settings.enabled || !settings.startsGuests) {
    const what = settings.startsGuests
      ? "the service is not enabled"
      : `XENDOMAINS_AUTO is not ${AUTO_FOLDER}, where machines are linked`;
    found.push({
      code: "SERVER_STARTS_NO_GUESTS",
      severity: "critical",
      subject: "xendomains",
      what,
      why: "after a power cut the machines would stay down",
      todo: `set XENDOMAINS_AUTO=${AUTO_FOLDER} in /etc/default/xendomains, then: systemctl enable xendomains`,
      fix: { files: [], commands: [START_LINKED, ["systemctl", "enable", "xendomains"]] },
    });
  }
  return found;
}

function time({ time: clock }: HostFacts): readonly ServerFinding[] {
  const base = {
    subject: "time",
    why: "certificates, leases and etcd go by the clock, and guests begin with the server's",
  };
  if (clock.active.length === 0) {
    return [
      {
        ...base,
        code: "SERVER_NO_TIME",
        severity: "critical",
        what: "nothing keeps the clock right",
        todo: clock.timesyncdThere
          ? "on the server: systemctl enable --now systemd-timesyncd"
          : "on the server: apt-get install systemd-timesyncd",
        ...(clock.timesyncdThere && {
          fix: { files: [], commands: [["systemctl", "enable", "--now", "systemd-timesyncd.service"]] },
        }),
      },
    ];
  }
  if (clock.synchronized) return [];
  return [
    {
      ...base,
      code: "SERVER_TIME_UNSURE",
      severity: "warning",
      what: `${clock.active.join(", ")} runs and has not set the clock yet`,
      todo: "wait a minute; else see whether the server reaches its time servers: timedatectl timesync-status",
    },
  ];
}
