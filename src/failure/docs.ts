/** The reference of the proof's findings, made from their codes. */
import { FINDING_CODES } from "./finding-codes.ts";

/** The table of docs/proof.md. */
export function findingsTable(): string {
  const rows = Object.entries(FINDING_CODES).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`);
  return ["| Code | Meaning |", "|---|---|", ...rows].join("\n");
}
