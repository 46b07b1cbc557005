/** What a container of a compose file is given, and how far it is trusted. */
import { leavesOf, mark, refuse, remark, type ServiceDraft, set, textIn } from "./draft.ts";
import type { Mapping, Tree } from "./tree.ts";
import { secondsFrom, sizeFrom } from "./words.ts";

/** `cpu` or `memory` of `resources`. */
export function convertResources(draft: ServiceDraft, key: "cpu" | "memory", tree: Tree): void {
  if (tree.kind !== "leaf") return;
  const text = textIn(draft, `resources.${key}`, tree);
  if (text === undefined) return;
  const value = key === "cpu" ? Number(text) : sizeFrom(text);
  if (value === undefined || Number.isNaN(value))
    return refuse(
      draft,
      tree.offset,
      `${text} is no amount of ${key}`,
      "write it such as 512m, or 0.5 for CPUs",
    );
  const before = draft.value["resources"] ?? {};
  set(draft, "resources", { ...before, [key]: value }, tree.offset);
  mark(draft, ["resources", key], tree.offset);
}

export function convertHealth(draft: ServiceDraft, tree: Tree, offset: number): void {
  if (tree.kind !== "map") return;
  const health: Record<string, unknown> = {};
  const test = tree.entries.get("test")?.tree;
  const leaves = test ? leavesOf(test) : [];
  const texts = leaves.flatMap((leaf) => textIn(draft, "healthcheck.test", leaf) ?? []);
  const [first, ...rest] = texts;
  const disabled = first === "NONE" || isTrue(tree.entries.get("disable")?.tree);
  if (test && first !== undefined && !disabled) {
    if (test.kind === "list" && first === "CMD") health["command"] = rest;
    else health["command"] = ["/bin/sh", "-c", first === "CMD-SHELL" ? rest.join(" ") : texts.join(" ")];
    mark(draft, ["health", "command"], test.offset);
  }
  const start = tree.entries.get("start_period")?.tree;
  const seconds = start?.kind === "leaf" ? secondsFrom(start.text) : undefined;
  if (seconds !== undefined && seconds > 0) {
    health["startSeconds"] = seconds;
    mark(draft, ["health", "startSeconds"], start?.offset ?? offset);
  }
  for (const key of ["interval", "timeout", "retries", "start_interval"]) {
    const given = tree.entries.get(key);
    if (given)
      remark(draft, `healthcheck.${key}`, given.offset, "it is asked every 5 seconds, and 10 once it runs");
  }
  if (Object.keys(health).length > 0) set(draft, "health", health, offset);
}

/** Docker's own, as far as the cluster lets a container have them. */
const DOCKER_CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "NET_BIND_SERVICE", "SETGID", "SETUID"];
const MORE_CAPABILITIES = ["AUDIT_WRITE", "FSETID", "KILL", "SETFCAP", "SETPCAP", "SYS_CHROOT"];

/** Trusted as Docker trusts it, and said so: most images need some of it, few need all. */
export function convertUser(draft: ServiceDraft, service: Mapping): void {
  const user = service.entries.get("user");
  const asked = user?.tree.kind === "leaf" ? (textIn(draft, "user", user.tree) ?? "") : "";
  const [number = ""] = asked.split(":");
  const numeric = /^[0-9]{1,9}$/.test(number);
  if (user && asked !== "" && !numeric && number !== "root")
    remark(
      draft,
      "user",
      user.offset,
      `user ${number} has no number here: the image's own user is taken; write security.user`,
    );
  const root = numeric ? Number(number) === 0 : true;
  const readOnly = isTrue(service.entries.get("read_only")?.tree);
  const capabilities = [
    ...new Set([...(root ? DOCKER_CAPABILITIES : []), ...addedCapabilities(draft, service)]),
  ];
  const offset = user?.offset ?? service.offset;
  set(
    draft,
    "security",
    {
      ...(numeric && { user: Number(number) }),
      ...(root && { runAsRoot: true }),
      ...(!readOnly && { writableRoot: true }),
      ...(capabilities.length > 0 && { capabilities: capabilities.toSorted() }),
    },
    offset,
  );
  set(draft, "access", { to: ["internet"] }, service.offset);
  remark(
    draft,
    "security",
    offset,
    "it is trusted as far as Docker trusted it, and may connect to the internet: take out of security and access what it does without",
  );
}

function addedCapabilities(draft: ServiceDraft, service: Mapping): readonly string[] {
  const added = service.entries.get("cap_add");
  if (!added) return [];
  return leavesOf(added.tree).flatMap(({ text, offset }) => {
    const name = text.toUpperCase().replace(/^CAP_/, "");
    if ([...DOCKER_CAPABILITIES, ...MORE_CAPABILITIES].includes(name)) return [name];
    remark(draft, "cap_add", offset, `${name} would open the server to it, and is not given`);
    return [];
  });
}

function isTrue(tree: Tree | undefined): boolean {
  return tree?.kind === "leaf" && tree.value === true;
}
