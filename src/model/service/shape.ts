/** The shape of a service file: its keys, what each holds and what it is for. */
import { z } from "zod";
import { DISK_SIZE, MEMORY, NAME } from "../formats.ts";
import type { JsonSchema } from "../schema.ts";
import { text } from "../shape-text.ts";
import {
  DESTINATION,
  HOST,
  IMAGE,
  LABEL_VALUE,
  OBJECT_NAME,
  PATH,
  PORT_NAME,
  SECRET_KEY,
  SERVICE_NAME,
  URL_PATH,
} from "./formats.ts";

export const REPLICAS = 2;
export const CPU = 0.1;
export const MEMORY_MIB = 128;
export const START_SECONDS = 60;

/** What Kubernetes' baseline standard lets a container have; anything more would open the server to it. */
const CAPABILITIES = [
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
] as const;

const portNumber = z.int().min(1).max(65_535);
const words = (description: string, example: string) =>
  z
    .array(
      z
        .string()
        .min(1)
        .max(4096)
        .meta({ description: "A word.", examples: [example] }),
    )
    .min(1)
    .max(256)
    .meta({ description });

const port = z
  .strictObject({
    name: text(PORT_NAME, "The port's name.").optional(),
    port: portNumber.meta({ description: "Its number.", examples: [8080] }),
    protocol: z.enum(["TCP", "UDP"]).optional().meta({ description: "How it is spoken to.", default: "TCP" }),
  })
  .meta({ description: "A port that the container listens on." });

const volume = z
  .strictObject({
    name: text(NAME, "The volume's name.", "data"),
    path: text(PATH, "Where it is in the container."),
    size: text(DISK_SIZE, "How large it is.", "10GiB"),
    class: text(OBJECT_NAME, "Storage class; the cluster's default where none is given.").optional(),
  })
  .meta({ description: "A volume: each replica at each site has one of its own." });

const resources = z.strictObject({
  cpu: z
    .number()
    .min(0.001)
    .max(256)
    .optional()
    .meta({ description: "CPUs set aside for each replica; it may take more.", default: CPU }),
  memory: text(MEMORY, "Memory set aside, and the most it may take.", "256MiB")
    .optional()
    .meta({ default: `${MEMORY_MIB}MiB, unlimited` }),
});

const health = z.strictObject({
  path: text(URL_PATH, "Asked by HTTP at the first port; 200 to 399 is well.").optional(),
  command: words("Run in the container; it is well where this ends with 0.", "pg_isready").optional(),
  startSeconds: z
    .int()
    .min(1)
    .max(3600)
    .optional()
    .meta({ description: "How long it may take to start.", default: START_SECONDS }),
});

const placement = z.strictObject({
  sites: z
    .array(text(NAME, "A site's name."))
    .min(1)
    .max(1000)
    .optional()
    .meta({ description: "These sites, rolled out in this order." }),
  labels: z
    .record(z.string(), text(LABEL_VALUE, "A label's value."))
    .optional()
    .meta({ description: "Every site with these labels, now or later." }),
});

const panel = z
  .strictObject({
    name: text(NAME, "The panel's name.", "admin"),
    path: text(URL_PATH, "Where it is; shown at control.DOMAIN/SERVICE and this.", "/admin")
      .optional()
      .meta({ default: "/" }),
    port: text(PORT_NAME, "The name of one of the ports; the first by default.").optional(),
  })
  .meta({ description: "A page for the person who runs it." });

const access = z.strictObject({
  from: z
    .array(text(SERVICE_NAME, "A namespace."))
    .max(100)
    .optional()
    .meta({ description: "Other namespaces whose pods may connect; its own always may." }),
  to: z
    .array(text(DESTINATION, "A place."))
    .max(100)
    .optional()
    .meta({ description: "Where it may connect: `internet`, networks, other namespaces; its own always." }),
});

const security = z.strictObject({
  user: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .optional()
    .meta({
      description: "The number of the user it runs as; the image's own by default.",
      examples: [65532],
    }),
  runAsRoot: z.boolean().optional().meta({ description: "Lets it run as user 0.", default: false }),
  writableRoot: z
    .boolean()
    .optional()
    .meta({ description: "Lets it write to the image's own folders.", default: false }),
  capabilities: z
    .array(z.enum(CAPABILITIES).meta({ description: "A capability.", examples: ["NET_BIND_SERVICE"] }))
    .max(CAPABILITIES.length)
    .optional()
    .meta({ description: "Linux capabilities it keeps; all others are dropped." }),
});

/** Checks keys, types and forms; what must hold between them is in `checks.ts`. */
export const serviceShape = z.strictObject({
  kind: z.literal("Service").meta({ description: "What this file describes.", examples: ["Service"] }),
  apiVersion: z
    .literal("panopticon/v1")
    .meta({ description: "The version of this format.", examples: ["panopticon/v1"] }),
  name: text(SERVICE_NAME, "The service's name, unique in the federation."),
  namespace: text(SERVICE_NAME, "Where it lives; services that call each other by bare names share one.")
    .optional()
    .meta({ default: "its name" }),
  image: text(IMAGE, "The image with its version."),
  pullSecret: text(OBJECT_NAME, "The Secret that the registry asks for.", "registry").optional(),
  command: words("What to run in place of the image's own.", "/bin/shop").optional(),
  arguments: words("Arguments in place of the image's own.", "--verbose").optional(),
  port: portNumber.optional().meta({ description: "The port it listens on.", examples: [8080] }),
  ports: z.array(port).min(1).max(32).optional().meta({ description: "Its ports, where there are several." }),
  host: z
    .union([text(HOST, "One host name."), z.array(text(HOST, "A host name.")).min(1).max(64)])
    .optional()
    .meta({
      description: "The name, or a list of names, that it answers at; without one it is inside only.",
      examples: ["shop.home.example"],
    }),
  replicas: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .meta({ description: "How many run at each site; 1 where there are volumes.", default: REPLICAS }),
  totalReplicas: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .meta({ description: "How many run at all sites together, in place of `replicas`.", examples: [6] }),
  resources: resources.optional().meta({ description: "What each replica gets." }),
  volumes: z.array(volume).min(1).max(16).optional().meta({ description: "What must outlive a restart." }),
  scratch: z
    .array(text(PATH, "A path.", "/var/cache"))
    .min(1)
    .max(32)
    .optional()
    .meta({ description: "Paths it may write to, empty after each start; /tmp always is one." }),
  environment: z
    .record(
      z.string(),
      z
        .string()
        .max(32_768)
        .meta({ description: "Its value.", examples: ["info"] }),
    )
    .optional()
    .meta({ description: "Variables and their values." }),
  secrets: z
    .record(z.string(), text(SECRET_KEY, "The key of a Secret."))
    .optional()
    .meta({ description: "Variables whose values are in Secrets of its namespace." }),
  health: health
    .optional()
    .meta({ description: "How to tell that it is well; by default, that it listens." }),
  placement: placement.optional().meta({ description: "Which sites it runs at; every one by default." }),
  panels: z.array(panel).min(1).max(8).optional().meta({ description: "Panels it offers." }),
  access: access
    .optional()
    .meta({ description: "What may connect to it, and it to what; nothing else may." }),
  security: security.optional().meta({ description: "Points in which it is trusted more than others." }),
});

/** A service file as it is written, every key in its place. */
export type ServiceInput = z.input<typeof serviceShape>;

/** JSON Schema (draft 2020-12) of a service file; what `panopticon schema service` prints. */
export function serviceJsonSchema(): JsonSchema {
  const { $schema, ...schema } = z.toJSONSchema(serviceShape, { io: "input" });
  return { $schema, title: "A Panopticon service", ...schema } as JsonSchema;
}
