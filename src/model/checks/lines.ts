import { type Mistake, quote } from "../mistakes.ts";
import { type Check, type DraftSite, type Part, sitesOf } from "./check.ts";

/** Where internet lines are told apart, each external address comes by exactly one of them. */
export const checkLines: Check = (federation) => sitesOf(federation).flatMap(lineMistakes);

function lineMistakes({ value, path, label }: Part<DraftSite>): readonly Mistake[] {
  const external = value.network?.external;
  const lines = value.network?.lines;
  if (!external || !lines || lines.length === 0) return [];
  const known = new Set(external);
  const brought = new Set<string>();
  const mistakes: Mistake[] = [];
  for (const [index, line] of lines.entries()) {
    for (const [order, address] of (line?.external ?? []).entries()) {
      if (address === undefined) continue;
      const at = [...path, "network", "lines", index, "external", order];
      if (!known.has(address))
        mistakes.push(mistake(`${quote(address)} is no external address of ${label}`, at, EACH));
      else if (brought.has(address))
        mistakes.push(mistake(`the external address ${address} comes by two lines`, at, EACH));
      brought.add(address);
    }
  }
  const unread = external.includes(undefined) || lines.some((line) => !line?.external);
  for (const [index, address] of external.entries()) {
    if (address === undefined || brought.has(address) || unread) continue;
    const at = [...path, "network", "external", ...(external.length === 1 ? [] : [index])];
    mistakes.push(mistake(`the external address ${address} comes by none of the lines`, at, EACH));
  }
  return mistakes;
}

const EACH = "write each of `external` in exactly one of `lines`";

function mistake(message: string, path: Mistake["path"], hint: string): Mistake {
  return { code: "MODEL_LINE", message, hint, path };
}
