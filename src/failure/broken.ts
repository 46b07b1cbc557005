import type { PromiseKind } from "./graph.ts";

/** A promise that is broken, in words. */
export function broken({
  kind,
  site,
}: {
  readonly kind: PromiseKind;
  readonly site: string | undefined;
}): string {
  switch (kind) {
    case "api":
      return `the API of ${site} does not answer`;
    case "etcd":
      return `etcd of ${site} takes no writes`;
    case "outside":
      return `services of ${site} can't be reached from outside`;
    case "data":
      return `data of ${site} is lost`;
    case "somewhere":
      return "the service can't be reached anywhere";
    case "changes":
      return "changes to the federation stop";
    case "crown":
      return "no site can hold the crown";
    case "backup":
      return "no backup can be restored";
  }
}
