/** The parts of a federation file that the failure proof reads. */
import { z } from "zod";
import { RELIABILITY } from "./defaults.ts";
import { COMPONENT_KINDS, type ComponentKind } from "./federation.ts";
import { ADDRESS_FORMAT, DURATION, NAME, PERCENT } from "./formats.ts";
import { text } from "./shape-text.ts";

export const goal = z
  .strictObject({
    survive: z
      .enum(["any machine", "any server", "any site"])
      .optional()
      .meta({ description: "What may fail, one at a time, with everything still served." }),
    at: z
      .array(text(NAME, "A site's name."))
      .min(1)
      .max(1000)
      .optional()
      .meta({ description: "Only at these sites; beside `survive`." }),
    availability: text(PERCENT, "Share of the time in which services are reachable somewhere.").optional(),
  })
  .meta({ description: "Exactly one aim.", minProperties: 1, maxProperties: 2 });

/** Reliability figures for one kind of component. */
const reliability = (kind: ComponentKind) => {
  const { mtbf, mttr } = RELIABILITY[kind];
  return z
    .strictObject({
      mtbf: text(DURATION, "Mean time between failures.", mtbf).optional().meta({ default: mtbf }),
      mttr: text(DURATION, "Mean time to repair.", mttr).optional().meta({ default: mttr }),
    })
    .optional()
    .meta({ description: KIND_MEANINGS[kind] });
};

const KIND_MEANINGS: Readonly<Record<ComponentKind, string>> = {
  site: "The whole place is lost: fire, flood, theft.",
  feed: "A power feed that the file names.",
  switch: "A network switch that the file names.",
  router: "A site's router.",
  line: "An internet line.",
  address: "An external address.",
  server: "A server, with all that stands on it.",
  controller: "A disk controller that the file names.",
  disk: "A disk.",
  device: "A device that is passed through.",
  machine: "A machine; it is started again.",
  haproxy: "HAProxy on an ECAM.",
  keepalived: "Keepalived on an ECAM.",
  nameserver: "The name server on an ECAM.",
  apiserver: "The API server of a control plane.",
  etcd: "The etcd member of a control plane.",
  containerd: "containerd on a node.",
  backup: "A copy of the backups.",
};

export const reliabilities = z.strictObject(
  Object.fromEntries(COMPONENT_KINDS.map((kind) => [kind, reliability(kind)])) as Record<
    ComponentKind,
    ReturnType<typeof reliability>
  >,
);

const names = (noun: string, description: string) =>
  z
    .array(text(NAME, `${noun}.`, noun === "A power feed" ? "mains" : "main"))
    .min(1)
    .max(8)
    .optional()
    .meta({ description });

export const connection = {
  power: names("A power feed", "Power feeds it hangs on, any one being enough. A name makes a feed."),
  switches: names("A switch", "Network switches it hangs on, any one being enough. A name makes a switch."),
};

export const line = z
  .strictObject({
    name: text(NAME, "The line's name, unique in its site.", "fibre"),
    external: z
      .array(text(ADDRESS_FORMAT, "An address.", "203.0.113.10"))
      .min(1)
      .max(256)
      .meta({ description: "The external addresses that it brings." }),
  })
  .meta({ description: "An internet line." });

export const backup = z
  .strictObject({
    name: text(NAME, "The copy's name.", "nas"),
    site: text(NAME, "The site it stands at; somewhere else where none is given.").optional(),
  })
  .meta({ description: "A copy of the backups." });
