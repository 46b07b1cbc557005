/** What must hold between the parts of a service file. */
import type { Draft } from "../draft.ts";
import { type Mistake, type ModelCode, type Path, quote } from "../mistakes.ts";
import { missingKey } from "../shape-mistakes.ts";
import { LABEL_KEY, VARIABLE } from "./formats.ts";
import { serviceJsonSchema, type ServiceInput } from "./shape.ts";

/** Names below every domain and every site that are the platform's own. */
const OURS: readonly string[] = ["control", "health"];

type Input = NonNullable<Draft<ServiceInput>>;

const SCHEMA = serviceJsonSchema();

/** Every mistake that no part shows by itself; parts that are unknown are passed over. */
export function serviceMistakes(input: Input, domain: string | undefined): readonly Mistake[] {
  return [
    ...exclusive(input),
    ...ports(input),
    ...hosts(input, domain),
    ...volumes(input),
    ...variables(input),
    ...labels(input),
    ...panels(input, domain),
    ...security(input),
  ];
}

function mistake(code: ModelCode, path: Path, message: string, hint: string, spot?: "key"): Mistake {
  return { code, path, message, hint, ...(spot && { spot }) };
}

/** Pairs of which only one may be given; the second is the one that is told. */
function exclusive(input: Input): readonly Mistake[] {
  const pairs: readonly (readonly [object | undefined, Path, string, string, string])[] = [
    [input, [], "port", "ports", "keep ports, and give each its number there"],
    [
      input,
      [],
      "replicas",
      "totalReplicas",
      "keep replicas for so many at each site, totalReplicas for so many in all",
    ],
    [input.placement, ["placement"], "sites", "labels", "name sites, or let labels choose them"],
    [input.health, ["health"], "path", "command", "ask by HTTP, or run a command"],
  ];
  const found = pairs.flatMap(([holder, path, first, second, hint]) =>
    holder && Object.hasOwn(holder, first) && Object.hasOwn(holder, second)
      ? [
          mistake(
            "MODEL_CONFLICT",
            [...path, second],
            `${first} and ${second} exclude each other`,
            hint,
            "key",
          ),
        ]
      : [],
  );
  if (input.totalReplicas !== undefined && (input.volumes?.length ?? 0) > 0)
    found.push(
      mistake(
        "MODEL_CONFLICT",
        ["totalReplicas"],
        "totalReplicas moves replicas from site to site, and volumes stay where they are",
        "write replicas, so many at each site",
        "key",
      ),
    );
  return found;
}

function ports(input: Input): readonly Mistake[] {
  const noun = "port";
  const wanting = (input.ports ?? []).flatMap((port, index) =>
    port && (input.ports?.length ?? 0) > 1 && !Object.hasOwn(port, "name")
      ? [missingKey(["ports", index, "name"], SCHEMA)]
      : [],
  );
  const names = (input.ports ?? []).map((port) => port?.name);
  const numbers = (input.ports ?? []).map((port) =>
    port?.port === undefined ? undefined : `${port.port}/${port.protocol ?? "TCP"}`,
  );
  return [
    ...wanting,
    ...twice(noun, names, (index) => ["ports", index, "name"]),
    ...twice(noun, numbers, (index) => ["ports", index, "port"]),
  ];
}

/** Whether something listens that host names, panels and health can ask; unknown counts as yes. */
function hasTcpPort(input: Input): boolean {
  if (Object.hasOwn(input, "port")) return true;
  if (!Object.hasOwn(input, "ports")) return false;
  return (input.ports ?? [undefined]).some((port) => port?.protocol !== "UDP");
}

function hosts(input: Input, domain: string | undefined): readonly Mistake[] {
  const list = typeof input.host === "string" ? [input.host] : (input.host ?? []);
  const pathOf = (index: number): Path => (typeof input.host === "string" ? ["host"] : ["host", index]);
  const short = list.flatMap((host, index) =>
    host !== undefined && !host.includes(".") && domain === undefined
      ? [
          mistake(
            "MODEL_HOST",
            pathOf(index),
            `the host ${host} has no domain`,
            `write the whole name, such as ${host}.home.example, or give --domain home.example`,
          ),
        ]
      : [],
  );
  const reserved = list.flatMap((host, index) =>
    host !== undefined && OURS.includes(host.split(".")[0] ?? "")
      ? [
          mistake(
            "MODEL_HOST",
            pathOf(index),
            `the host ${host} is not free`,
            "choose another: control. is where panels are, health. tells whether a site is well",
          ),
        ]
      : [],
  );
  const portless = (key: "host" | "panels", path: Path) =>
    Object.hasOwn(input, key) && !hasTcpPort(input)
      ? [mistake("MODEL_PORT_UNKNOWN", path, `${key} needs a port to lead to`, "add port: 8080", "key")]
      : [];
  const health =
    input.health && Object.hasOwn(input.health, "path") && !hasTcpPort(input)
      ? [
          mistake(
            "MODEL_PORT_UNKNOWN",
            ["health", "path"],
            "path needs a port to ask",
            "add port: 8080",
            "key",
          ),
        ]
      : [];
  return [
    ...short,
    ...reserved,
    ...twice("host", list, pathOf),
    ...portless("host", ["host"]),
    ...portless("panels", ["panels"]),
    ...health,
  ];
}

function volumes(input: Input): readonly Mistake[] {
  const list = input.volumes ?? [];
  const scratch = input.scratch ?? [];
  const paths = [...list.map((volume) => volume?.path), ...scratch, "/tmp"];
  const pathAt = (index: number): Path =>
    index < list.length ? ["volumes", index, "path"] : ["scratch", index - list.length];
  const own = paths.lastIndexOf("/tmp") === paths.indexOf("/tmp") ? paths : paths.slice(0, -1);
  return [
    ...twice(
      "volume",
      list.map((volume) => volume?.name),
      (index) => ["volumes", index, "name"],
    ),
    ...twice("path", own, pathAt),
  ];
}

function variables(input: Input): readonly Mistake[] {
  const named = (key: "environment" | "secrets") =>
    Object.keys(input[key] ?? {})
      .filter((name) => !VARIABLE.test(name))
      .map((name) =>
        mistake(
          "MODEL_VARIABLE",
          [key, name],
          `${quote(name)} can't be a variable`,
          "use letters, digits, _, - and ., and no digit first",
          "key",
        ),
      );
  const both = Object.keys(input.secrets ?? {}).filter((name) =>
    Object.hasOwn(input.environment ?? {}, name),
  );
  return [
    ...named("environment"),
    ...named("secrets"),
    ...both.map((name) =>
      mistake(
        "MODEL_CONFLICT",
        ["secrets", name],
        `${name} is in environment too`,
        "keep one of the two",
        "key",
      ),
    ),
  ];
}

function labels({ placement }: Input): readonly Mistake[] {
  const keys = Object.keys(placement?.labels ?? {});
  const path = ["placement", "labels"];
  const wrong = keys.filter((key) => !LABEL_KEY.test(key));
  const empty = placement && Object.keys(placement).length === 0;
  return [
    ...wrong.map((key) =>
      mistake(
        "MODEL_LABEL",
        [...path, key],
        `${quote(key)} can't be a label`,
        "write it such as region",
        "key",
      ),
    ),
    ...(empty || (placement?.labels !== undefined && keys.length === 0)
      ? [
          mistake(
            "MODEL_OUT_OF_RANGE",
            empty ? ["placement"] : path,
            "placement chooses by nothing",
            "write sites or labels, or remove placement for every site",
          ),
        ]
      : []),
    ...twice("site", placement?.sites ?? [], (index) => ["placement", "sites", index]),
  ];
}

function panels(input: Input, domain: string | undefined): readonly Mistake[] {
  const homeless = Object.hasOwn(input, "panels") && !Object.hasOwn(input, "host") && domain === undefined;
  const known =
    input.ports?.map((port) => port?.name) ?? (Object.hasOwn(input, "ports") ? [undefined] : ["http"]);
  const strange = (input.panels ?? []).flatMap((panel, index) =>
    panel?.port !== undefined && !known.includes(panel.port) && !known.includes(undefined)
      ? [
          mistake(
            "MODEL_PORT_UNKNOWN",
            ["panels", index, "port"],
            `there is no port ${panel.port}`,
            `ports here are: ${known.join(", ")}`,
          ),
        ]
      : [],
  );
  const names = (input.panels ?? []).map((panel) => panel?.name);
  const home = mistake(
    "MODEL_HOST",
    ["panels"],
    "panels are at control.DOMAIN, and no domain is known",
    "give --domain home.example, or a host",
    "key",
  );
  return [
    ...(homeless ? [home] : []),
    ...strange,
    ...twice("panel", names, (index) => ["panels", index, "name"]),
  ];
}

function security({ security: points }: Input): readonly Mistake[] {
  if (points?.user === 0 && points.runAsRoot !== true)
    return [
      mistake(
        "MODEL_CONFLICT",
        ["security", "user"],
        "user 0 is root",
        "write another, or add runAsRoot: true",
      ),
    ];
  return [];
}

function twice(
  noun: string,
  values: readonly (string | undefined)[],
  pathOf: (index: number) => Path,
): readonly Mistake[] {
  return values.flatMap((value, index) =>
    value !== undefined && values.indexOf(value) < index
      ? [
          mistake(
            "MODEL_DUPLICATE_NAME",
            pathOf(index),
            `the ${noun} ${value} is here twice`,
            "keep one of the two",
          ),
        ]
      : [],
  );
}
