/**
 * Sizes and times. Memory is counted in MiB and disks in GiB as whole numbers
 * everywhere inside; text such as `64GiB` or `1TB` exists only in the file.
 */

const FACTORS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

/** Reads `512MiB`, `1.5 GiB`, `1TB` as bytes; undefined where the text is none of these. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]i?b|b)$/i.exec(text.trim());
  const factor = match?.[2] && FACTORS[match[2].toUpperCase()];
  return factor ? Math.floor(Number(match[1]) * factor) : undefined;
}

/** Says MiB as people read it: `512 MiB`, `4 GiB`, `1.5 TiB`. */
export function formatMiB(mib: number): string {
  if (mib < 1024) return `${mib} MiB`;
  if (mib < 1024 * 1024) return `${round(mib / 1024)} GiB`;
  return `${round(mib / 1024 / 1024)} TiB`;
}

const HOURS: Readonly<Record<string, number>> = { min: 1 / 60, h: 1, d: 24, y: 8760 };

/** Reads `10min`, `4h`, `14d`, `5y` (of 365 days) as hours; undefined where the text is none of these. */
export function parseHours(text: string): number | undefined {
  const match = /^([1-9]\d{0,5})(min|h|d|y)$/.exec(text);
  const factor = match?.[2] && HOURS[match[2]];
  return factor ? Number(match[1]) * factor : undefined;
}

/** Says seconds as people read them: `0.4 s`, `12 s`, `2 min 05 s`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
