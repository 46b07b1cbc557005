import { type Mistake, type Path, quote } from "../mistakes.ts";
import { nearest } from "../nearest.ts";
import type { Check } from "./check.ts";

/** Goals and backups name sites of this file. */
export const checkSiteNames: Check = (federation) => {
  const names = federation.sites?.map((site) => site?.name);
  // A site whose name could not be read may be the one that is meant.
  if (!names || names.includes(undefined)) return [];
  const known = names.filter((name) => name !== undefined);
  const goals = (federation.goals ?? []).flatMap((goal, index) =>
    goal?.kind === "survive"
      ? (goal.at ?? []).map((name, order) => ({ name, path: ["goals", index, "at", order] }))
      : [],
  );
  const backups = (federation.backups ?? []).map((backup, index) => ({
    name: backup?.site,
    path: ["backups", index, "site"],
  }));
  return [...goals, ...backups].flatMap(({ name, path }) =>
    name === undefined || known.includes(name) ? [] : [unknown(name, path, known)],
  );
};

function unknown(name: string, path: Path, known: readonly string[]): Mistake {
  const near = nearest(name, known);
  const hint = near ? `did you mean ${near}?` : `name one of: ${known.slice(0, 10).join(", ")}`;
  return { code: "MODEL_SITE_UNKNOWN", message: `${quote(name)} is no site of this file`, hint, path };
}
