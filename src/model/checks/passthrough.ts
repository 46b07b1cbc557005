import type { Mistake } from "../mistakes.ts";
import { type Check, type DraftServer, type Part, serversOf, sitesOf } from "./check.ts";

/** A device goes to one machine, and its server carries a machine of that role. */
export const checkPassthrough: Check = (federation) =>
  sitesOf(federation)
    .flatMap(serversOf)
    .flatMap((server) => [...duplicates(server), ...orphans(server)]);

function duplicates({ value, path, label }: Part<DraftServer>): readonly Mistake[] {
  const first = new Map<string, number>();
  return (value.passthrough ?? []).flatMap((device, index): readonly Mistake[] => {
    if (device?.pci === undefined) return [];
    const before = first.get(device.pci);
    first.set(device.pci, before ?? index);
    if (before === undefined) return [];
    const message = `the device ${device.pci} of ${label} is already given out by passthrough[${before}]`;
    return [
      {
        code: "MODEL_DUPLICATE_DEVICE",
        message,
        hint: "a device belongs to one machine: remove one of the two",
        path: [...path, "passthrough", index, "pci"],
      },
    ];
  });
}

function orphans({ value, path, label }: Part<DraftServer>): readonly Mistake[] {
  const { role, workers } = value;
  if (role === undefined || workers === undefined) return [];
  const carried =
    role === "witness" ? ["controlplane"] : ["ecam", "controlplane", ...(workers > 0 ? ["worker"] : [])];
  return (value.passthrough ?? []).flatMap((device, index): readonly Mistake[] => {
    if (device?.for === undefined || carried.includes(device.for)) return [];
    const message = `the device ${device.name ?? index} is for role ${device.for}, which ${label} does not carry`;
    const hint = `this server carries: ${carried.join(", ")}`;
    return [{ code: "MODEL_PASSTHROUGH_ROLE", message, hint, path: [...path, "passthrough", index, "for"] }];
  });
}
