import { wrongUse } from "#base/errors.ts";

const UNITS: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600 };

/** A length of time from the command line, such as `90s`, in seconds; CLI_TIME where it is none. */
export function secondsOf(text: string): number {
  const [, number, unit = ""] = /^([1-9][0-9]{0,4})(s|min|h)$/.exec(text) ?? [];
  if (number !== undefined) return Number(number) * (UNITS[unit] ?? 1);
  throw wrongUse(
    "CLI_TIME",
    `${text} is no length of time`,
    "Write a whole number with s, min or h, such as 90s.",
  );
}
