/** `dns status` for a person. */
import type { SteeringStatus } from "#app/dns/status.ts";
import { colour, table } from "./print.ts";

type Ruling = NonNullable<SteeringStatus["names"]>[string]["rulings"][number];

/** Lines of `dns status`. */
export function statusLines(status: SteeringStatus): readonly string[] {
  const { self, active, voters, heard = [], sees = [], words = [], names = {}, servers = [] } = status;
  if (!active) return [`${self}: another machine of this site does the work.`];
  const reports = words.map(({ voter, ageMs, hears, down }) => [
    voter,
    `${(ageMs / 1000).toFixed(1)} s ago`,
    hears.join(", ") || "nobody",
    down.join(", ") || "nothing",
  ]);
  return [
    `${self} votes with ${voters.filter((voter) => voter !== self).join(", ")}; hears ${heard.join(", ") || "nobody"}.`,
    "",
    ...table(["Voter", "Said", "Hears", "Sees down"], reports),
    "",
    ...table(
      [`Seen by ${self}`, "At", "State", "Found"],
      sees.map(({ key, at, up, found }) => [key, at, upDown(up), found]),
    ),
    "",
    ...table(
      ["Name", "Address", "Served", "Why"],
      Object.entries(names).flatMap(([name, { rulings, needed }]) =>
        rulings.map((ruling) => [name, ruling.address, ruling.served ? "yes" : "no", why(ruling, needed)]),
      ),
    ),
    ...servers.flatMap(({ name, trouble }) => (trouble ? ["", `${name}: ${trouble}`] : [])),
  ];
}

function upDown(up: boolean): string {
  return up ? colour("green", "up") : colour("red", "down");
}

function why({ reason }: Ruling, needed: number): string {
  const { down, leftMs, heard } = reason as { down?: number; leftMs?: number; heard?: number };
  switch (reason.why) {
    case "down":
      return `${down} see it down, ${needed} are enough`;
    case "returning":
      return `up again, back in ${Math.ceil((leftMs ?? 0) / 1000)} s`;
    case "last":
      return `${down} see it down, but nothing better is left`;
    case "frozen":
      return `frozen: ${heard} voters are heard, ${needed} are needed`;
    default:
      return down ? `${down} see it down, ${needed} would be enough` : "up";
  }
}
