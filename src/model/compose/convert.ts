/** One service of a compose file as a service of ours: what each of its keys becomes. */
import type { Leaf, Mapping, Tree } from "./tree.ts";
import { type ServiceDraft, leavesOf, mark, pairsOf, refuse, remark, set, textIn } from "./draft.ts";
import { convertHealth, convertResources, convertUser } from "./convert-runtime.ts";
import { convertPorts, convertTraefik, convertVolumes } from "./convert-edges.ts";
import { REASONS, SILENT } from "./reasons.ts";
import { fill, wordsIn } from "./words.ts";

export interface ConvertOptions {
  /** The namespace that the services of one file share. */
  readonly namespace?: string;
  readonly domain?: string;
}

type Convert = (draft: ServiceDraft, tree: Tree, offset: number) => void;

const CONVERTERS: Readonly<Record<string, Convert>> = {
  image: (draft, tree) => convertText(draft, "image", tree),
  command: (draft, tree) => convertCommand(draft, "arguments", tree),
  entrypoint: (draft, tree) => convertCommand(draft, "command", tree),
  environment: convertEnvironment,
  labels: convertTraefik,
  tmpfs: (draft, tree, offset) => addScratch(draft, leavesOf(tree), offset),
  restart: (draft, tree, offset) => {
    if (tree.kind === "leaf" && ["no", "on-failure"].includes(tree.text.split(":")[0] ?? ""))
      remark(draft, "restart", offset, REASONS["restart"] ?? "");
  },
  read_only: () => undefined,
  scale: (draft, tree) => convertReplicas(draft, tree),
  deploy: convertDeploy,
  mem_limit: (draft, tree) => convertResources(draft, "memory", tree),
  mem_reservation: (draft, tree) => convertResources(draft, "memory", tree),
  cpus: (draft, tree) => convertResources(draft, "cpu", tree),
  healthcheck: convertHealth,
  volumes: convertVolumes,
  networks: (draft, tree, offset) => {
    const names = tree.kind === "map" ? [...tree.entries.keys()] : leavesOf(tree).map(({ text }) => text);
    if (names.some((name) => name !== "default"))
      remark(draft, "networks", offset, REASONS["networks"] ?? "");
  },
};

/** Handled together with others. */
const TOGETHER: readonly string[] = ["ports", "expose", "user", "cap_add"];

/** Fills the draft in the order of the file. */
export function convertService(draft: ServiceDraft, service: Mapping, options: ConvertOptions): void {
  set(draft, "kind", "Service", service.offset);
  set(draft, "apiVersion", "panopticon/v1", service.offset);
  set(draft, "name", draft.name, service.offset);
  if (options.namespace !== undefined) set(draft, "namespace", options.namespace, service.offset);
  if (!service.entries.has("image")) {
    const hint = service.entries.has("build")
      ? "build the image, push it where every site can reach it, and name it with image:"
      : "name one with image:";
    refuse(draft, service.offset, `the service ${draft.name} has no image`, hint);
  }
  for (const [key, { tree, offset }] of service.entries) {
    if (key.startsWith("x-") || SILENT.includes(key) || TOGETHER.includes(key)) continue;
    if (key === "extends")
      refuse(draft, offset, "extends takes from another file", "copy what it takes here");
    else if (Object.hasOwn(CONVERTERS, key)) CONVERTERS[key]?.(draft, tree, offset);
    else remark(draft, key, offset, REASONS[key] ?? "a service has nothing like it");
  }
  if (draft.value["replicas"] === undefined) {
    set(draft, "replicas", 1, service.offset);
    remark(draft, "replicas", service.offset, "one runs at each site; 2 outlive the loss of a server");
  }
  convertPorts(draft, service, options.domain);
  convertUser(draft, service);
}

function convertText(draft: ServiceDraft, key: string, tree: Tree): void {
  if (tree.kind !== "leaf") return refuse(draft, tree.offset, `${key} is no text`, `write ${key}: TEXT`);
  const text = textIn(draft, key, tree);
  if (text !== undefined) set(draft, key, text, tree.offset);
}

function convertCommand(draft: ServiceDraft, key: "command" | "arguments", tree: Tree): void {
  const leaves = leavesOf(tree);
  const texts = leaves.map((leaf) => textIn(draft, key, leaf)).filter((text) => text !== undefined);
  const words = tree.kind === "leaf" ? texts.flatMap(wordsIn) : texts;
  if (words.length > 0 && texts.length === leaves.length) set(draft, key, words, tree.offset);
}

function convertEnvironment(draft: ServiceDraft, tree: Tree, offset: number): void {
  const values: Record<string, string> = {};
  for (const { key, offset: at, leaf } of pairsOf(tree)) {
    const filled = fill(leaf?.text ?? "");
    if (!leaf || filled.unset.length > 0) {
      remark(draft, `environment.${key}`, at, OUTSIDE);
      continue;
    }
    values[key] = filled.text;
    mark(draft, ["environment", key], leaf.offset);
    for (const name of filled.defaulted)
      remark(draft, `environment.${key}`, at, `${name} has the default that the file gives`);
    if (/(PASSWORD|PASSWD|SECRET|TOKEN|_KEY)$/i.test(key)) remark(draft, `environment.${key}`, at, PLAIN);
  }
  if (Object.keys(values).length > 0) set(draft, "environment", values, offset);
}

const OUTSIDE =
  "left out: its value is not in the file. Write it under environment, or make a Secret and name its key under secrets";
const PLAIN = "looks like a secret in plain text: better make a Secret, and name its key under secrets";

function addScratch(draft: ServiceDraft, leaves: readonly Leaf[], offset: number): void {
  const before = (draft.value["scratch"] ?? []) as readonly string[];
  const paths = leaves.map(({ text }) => text.split(":")[0] ?? "").filter((path) => !before.includes(path));
  if (paths.length > 0) set(draft, "scratch", [...before, ...paths], offset);
}

function convertReplicas(draft: ServiceDraft, tree: Tree): void {
  if (tree.kind === "leaf" && typeof tree.value === "number") set(draft, "replicas", tree.value, tree.offset);
}

function convertDeploy(draft: ServiceDraft, tree: Tree, offset: number): void {
  if (tree.kind !== "map") return;
  for (const [key, entry] of tree.entries) {
    if (key === "replicas") convertReplicas(draft, entry.tree);
    else if (key === "resources") convertDeployResources(draft, entry.tree);
    else if (key !== "mode" && key !== "restart_policy")
      remark(
        draft,
        `deploy.${key}`,
        entry.offset,
        "rollouts and placement are said in the service's own words",
      );
  }
  const mode = tree.entries.get("mode")?.tree;
  if (mode?.kind === "leaf" && mode.text !== "replicated")
    remark(draft, "deploy.mode", offset, "so many replicas run at each site");
}

/** What is reserved goes before what is the limit: ours is set aside. */
function convertDeployResources(draft: ServiceDraft, tree: Tree): void {
  if (tree.kind !== "map") return;
  for (const part of ["limits", "reservations"]) {
    const amounts = tree.entries.get(part)?.tree;
    if (amounts?.kind !== "map") continue;
    for (const [key, { tree: value, offset }] of amounts.entries) {
      if (key === "cpus") convertResources(draft, "cpu", value);
      else if (key === "memory" && part === "limits") convertResources(draft, "memory", value);
      else if (key !== "memory")
        remark(draft, `deploy.resources.${part}.${key}`, offset, "only CPUs and memory are set aside");
    }
  }
}
