import { formatMiB } from "#base/units.ts";
import type { Mistake } from "../mistakes.ts";
import { type Capacity, capacityOf, describeLoad, loadOf, needOf, type Sizes, sizesOf } from "./capacity.ts";
import { type Check, type DraftServer, type Part, serversOf, sitesOf } from "./check.ts";

/** Each server has what the machines need that must stand on it, whatever the placement. */
export const checkServers: Check = (federation) =>
  sitesOf(federation).flatMap((site) => {
    const sizes = sizesOf(site.value.sizes);
    return serversOf(site).flatMap((server) => {
      const capacity = capacityOf(server.value);
      return [...witnessMistakes(server), ...(sizes && capacity ? lacks(server, capacity, sizes) : [])];
    });
  });

function witnessMistakes({ value, path, label }: Part<DraftServer>): readonly Mistake[] {
  if (value.role !== "witness" || !value.workers) return [];
  const message = `${label} is a witness, which carries no workers`;
  return [
    {
      code: "MODEL_WITNESS_WORKERS",
      message,
      hint: "remove workers, or role: witness",
      path: [...path, "workers"],
    },
  ];
}

function lacks(server: Part<DraftServer>, capacity: Capacity, sizes: Sizes): readonly Mistake[] {
  const load = loadOf(capacity, capacity.required);
  const need = needOf(sizes, load);
  const lack = (code: Mistake["code"], key: string, needs: string, has: string, enough: string): Mistake => ({
    code,
    message: `${server.label} needs ${needs} for ${describeLoad(load)}, and has ${has}`,
    hint: `give it ${enough}, or lower sizes`,
    path: [...server.path, key],
  });
  const { cpus, memoryMiB, dom0MemoryMiB, disksGiB } = capacity;
  const mistakes: Mistake[] = [];
  if (need.cpus > cpus) {
    mistakes.push(
      lack("MODEL_SERVER_CPUS", "cpus", `${need.cpus} CPUs`, String(cpus), `${need.cpus} or more`),
    );
  }
  if (need.memoryMiB > memoryMiB) {
    const has = `${formatMiB(Math.max(0, memoryMiB))} beside dom0's ${formatMiB(dom0MemoryMiB)}`;
    const enough = `${formatMiB(need.memoryMiB + dom0MemoryMiB)} or more`;
    mistakes.push(lack("MODEL_SERVER_MEMORY", "memory", formatMiB(need.memoryMiB), has, enough));
  }
  const total = disksGiB.reduce((sum, size) => sum + size, 0);
  const largest = Math.max(0, ...disksGiB);
  const root = Math.max(
    ...(["ecam", "controlplane", "worker"] as const).map((role) => load[role] && sizes[role].diskGiB),
  );
  if (need.diskGiB > total) {
    mistakes.push(
      lack("MODEL_SERVER_DISK", "disks", `${need.diskGiB} GiB of disk`, `${total} GiB`, "larger disks"),
    );
  } else if (root > largest) {
    mistakes.push(
      lack(
        "MODEL_SERVER_DISK",
        "disks",
        `one disk of ${root} GiB`,
        `none over ${largest} GiB`,
        "a larger disk",
      ),
    );
  }
  return mistakes;
}
