import { formatMiB, parseBytes } from "#base/units.ts";
import { LEAST_SIZES } from "../defaults.ts";
import type { Role } from "../federation.ts";
import type { Mistake, Path } from "../mistakes.ts";
import { ROLES } from "../shape.ts";
import type { Check, DraftInput } from "./check.ts";

/** Sizes with which a role does not run at all. */
export const checkSizes: Check = (_, input) => [
  ...sizesMistakes(input.sizes, ["sizes"]),
  ...(input.sites ?? []).flatMap((site, index) => sizesMistakes(site?.sizes, ["sites", index, "sizes"])),
];

function sizesMistakes(sizes: DraftInput["sizes"], path: Path): readonly Mistake[] {
  return ROLES.flatMap((role) => sizeMistakes(role, sizes?.[role], [...path, role]));
}

const NOUNS: Readonly<Record<Role, string>> = {
  ecam: "an ECAM",
  controlplane: "a control plane",
  worker: "a worker",
};

type SizeInput = NonNullable<DraftInput["sizes"]>[Role];

function sizeMistakes(role: Role, size: SizeInput, path: Path): readonly Mistake[] {
  const least = LEAST_SIZES[role];
  const tooSmall = (key: "cpus" | "memory" | "disk", needs: string): Mistake => ({
    code: "MODEL_SIZE_TOO_SMALL",
    message: `${key} ${size?.[key]} is too little for ${NOUNS[role]}`,
    hint: `write at least ${needs}`,
    path: [...path, key],
  });
  return [
    ...(size?.cpus !== undefined && size.cpus < least.cpus ? [tooSmall("cpus", String(least.cpus))] : []),
    ...(bytesOf(size?.memory) < least.memoryMiB * 2 ** 20
      ? [tooSmall("memory", formatMiB(least.memoryMiB))]
      : []),
    ...(bytesOf(size?.disk) < least.diskGiB * 2 ** 30 ? [tooSmall("disk", `${least.diskGiB} GiB`)] : []),
  ];
}

/** What is not known is not too little. */
function bytesOf(text: string | undefined): number {
  return (text === undefined ? undefined : parseBytes(text)) ?? Number.POSITIVE_INFINITY;
}
