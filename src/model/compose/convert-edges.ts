/** Where a compose service meets the outside: ports, names and what it keeps. */
import { nameFrom } from "../service/formats.ts";
import { leavesOf, mark, pairsOf, refuse, remark, type ServiceDraft, set, textIn } from "./draft.ts";
import { REASONS } from "./reasons.ts";
import type { Mapping, Tree } from "./tree.ts";
import { hostsInRule, portFrom, type PublishedPort } from "./words.ts";

interface FoundPort extends PublishedPort {
  readonly offset: number;
}

/** `ports` and `expose` together; what is published gets a host name, where there is a domain for it. */
export function convertPorts(draft: ServiceDraft, service: Mapping, domain: string | undefined): void {
  const found = ["ports", "expose"].flatMap((key) => {
    const tree = service.entries.get(key)?.tree;
    if (!tree) return [];
    if (tree.kind !== "list") {
      refuse(draft, tree.offset, `${key} is no list`, `write ${key}: ["8080"]`);
      return [];
    }
    return tree.items.flatMap((item) => portOf(draft, key, item));
  });
  const ports = found.filter(
    ({ port, protocol }, index) =>
      found.findIndex((other) => other.port === port && other.protocol === protocol) === index,
  );
  const [first] = ports;
  if (!first) return;
  const tcp = ports.filter(({ protocol }) => protocol === "TCP");
  if (ports.length === 1 && first.protocol === "TCP") set(draft, "port", first.port, first.offset);
  else {
    const named = ports.map(({ port, protocol }) => ({
      name: port === tcp[0]?.port && protocol === "TCP" ? "http" : `${protocol.toLowerCase()}-${port}`,
      port,
      ...(protocol === "UDP" && { protocol }),
    }));
    // Host names lead to the first.
    set(draft, "ports", named, first.offset);
    for (const [index, { offset }] of ports.entries()) mark(draft, ["ports", index], offset);
  }
  for (const one of ports.filter(({ published }) => published !== undefined))
    publish(draft, one, tcp[0], domain);
}

function publish(
  draft: ServiceDraft,
  { port, protocol, offset }: FoundPort,
  entrance: FoundPort | undefined,
  domain: string | undefined,
): void {
  if (protocol !== "TCP" || port !== entrance?.port)
    return remark(draft, "ports", offset, `${port}/${protocol} is reached inside the cluster only`);
  if (draft.value["host"] !== undefined)
    return remark(draft, "ports", offset, "it is reached by its host name at 443, not by a port of a server");
  if (domain === undefined)
    return remark(draft, "ports", offset, "no port of a server is opened: add host: NAME, or give --domain");
  set(draft, "host", `${draft.name}.${domain}`, offset);
  remark(
    draft,
    "ports",
    offset,
    `it is reached at https://${draft.name}.${domain}, not by a port of a server`,
  );
}

function portOf(draft: ServiceDraft, key: string, item: Tree): readonly FoundPort[] {
  const { offset } = item;
  if (item.kind === "map") {
    const word = (name: string): string | undefined => {
      const tree = item.entries.get(name)?.tree;
      return tree?.kind === "leaf" ? tree.text : undefined;
    };
    const port = portFrom(`${word("target")}/${word("protocol") ?? "tcp"}`);
    const published = word("published");
    if (port) return [{ ...port, offset, ...(published !== undefined && { published }) }];
  } else if (item.kind === "leaf") {
    const text = textIn(draft, key, item);
    if (text === undefined) return [];
    const port = portFrom(text);
    // A port alone under `ports` is published too, at one that Docker chooses.
    if (port) return [{ ...port, offset, ...(key === "ports" && { published: port.published ?? "" }) }];
  }
  remark(draft, key, offset, REASONS["ports"] ?? "");
  return [];
}

/** Host names that labels tell Traefik. */
export function convertTraefik(draft: ServiceDraft, tree: Tree, offset: number): void {
  const pairs = pairsOf(tree);
  const rules = pairs.filter(({ key }) => /^traefik\.http\.routers\.[^.]+\.rule$/.test(key));
  const hosts = [...new Set(rules.flatMap(({ leaf }) => hostsInRule(leaf?.text ?? "")))];
  if (hosts.length > 0) {
    set(draft, "host", hosts.length === 1 ? hosts[0] : hosts, rules[0]?.offset ?? offset);
  }
  const others = pairs.filter(
    ({ key }) => !rules.some((rule) => rule.key === key) && key !== "traefik.enable",
  );
  const [other] = others;
  if (other) remark(draft, "labels", other.offset, REASONS["labels"] ?? "");
}

const VOLUME_SIZE = "10GiB";

export function convertVolumes(draft: ServiceDraft, tree: Tree): void {
  if (tree.kind !== "list") return;
  const volumes: object[] = [];
  const scratch: string[] = [];
  for (const item of tree.items) {
    const mount = mountOf(draft, item);
    if (!mount) continue;
    const { source, target, readOnly } = mount;
    if (mount.type === "tmpfs") {
      scratch.push(target);
      continue;
    }
    if (mount.type === "bind" || /^[./~]/.test(source)) {
      remark(
        draft,
        "volumes",
        item.offset,
        `left out: ${source} is a folder of one server. Put it into the image, or let ${target} be a volume`,
      );
      continue;
    }
    const name = nameFrom(source === "" ? target : source, 20) ?? `data-${volumes.length + 1}`;
    mark(draft, ["volumes", volumes.length], item.offset);
    volumes.push({ name, path: target, size: VOLUME_SIZE });
    remark(
      draft,
      "volumes",
      item.offset,
      `${name} gets ${VOLUME_SIZE}, empty${readOnly ? ", and may be written" : ""}; sites share no data: name one under placement.sites where there must be one only`,
    );
  }
  if (volumes.length > 0) set(draft, "volumes", volumes, tree.offset);
  if (scratch.length > 0) {
    const before = (draft.value["scratch"] ?? []) as readonly string[];
    set(draft, "scratch", [...before, ...scratch], tree.offset);
  }
}

interface Mount {
  readonly type: string;
  /** Empty where it has none. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

function mountOf(draft: ServiceDraft, item: Tree): Mount | undefined {
  if (item.kind === "map") {
    const word = (name: string): string => {
      const tree = item.entries.get(name)?.tree;
      return tree?.kind === "leaf" ? tree.text : "";
    };
    const type = word("type") || "volume";
    return { type, source: word("source"), target: word("target"), readOnly: word("read_only") === "true" };
  }
  const [leaf] = leavesOf(item);
  const text = leaf && textIn(draft, "volumes", leaf);
  if (text === undefined) return undefined;
  const [first = "", second, modes = ""] = text.split(":");
  if (second === undefined) return { type: "volume", source: "", target: first, readOnly: false };
  return { type: "volume", source: first, target: second, readOnly: modes.split(",").includes("ro") };
}
