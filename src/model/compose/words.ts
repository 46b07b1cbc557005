/** The small languages inside a compose file's texts. */

export interface Filled {
  readonly text: string;
  /** Variables without a value, whose place is empty. */
  readonly unset: readonly string[];
  /** Variables whose default was taken. */
  readonly defaulted: readonly string[];
}

const VARIABLE = /\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+])([^}]*))?\})/g;

/** Puts defaults in the place of variables: what a shell or an .env file would say is not in the compose file. */
export function fill(text: string): Filled {
  const unset: string[] = [];
  const defaulted: string[] = [];
  const filled = text.replaceAll(VARIABLE, (_whole, dollar, plain, braced, operator = "", rest = "") => {
    if (dollar) return "$";
    const name = String(plain ?? braced);
    if (operator === "-" || operator === ":-") {
      defaulted.push(name);
      return String(rest);
    }
    // `${NAME:+text}` is empty where the variable is unset.
    if (!String(operator).endsWith("+")) unset.push(name);
    return "";
  });
  return { text: filled, unset, defaulted };
}

/** A command line's words, as a shell would part them; quotes and backslashes keep words together. */
export function wordsIn(line: string): readonly string[] {
  const found = line.matchAll(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/gs);
  return [...found].map(([word]) =>
    word.replaceAll(/\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'/gs, (_whole, escaped, double, single) =>
      escaped === undefined ? (single ?? String(double).replaceAll(/\\(["\\$`])/g, "$1")) : String(escaped),
    ),
  );
}

const BYTES: Readonly<Record<string, number>> = { b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** `512m`, `1.5gb` as our own size, at least 1 MiB; undefined where the text is none. */
export function sizeFrom(text: string): string | undefined {
  const [, number, unit = "b"] = /^([0-9]+(?:\.[0-9]+)?) ?([bkmg])?b?$/i.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  const mebibytes = Math.round((Number(number) * (BYTES[unit.toLowerCase()] ?? 1)) / 2 ** 20);
  return mebibytes < 1 ? undefined : `${mebibytes}MiB`;
}

const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** `1m30s` as whole seconds, rounded up; undefined where the text is no time. */
export function secondsFrom(text: string): number | undefined {
  if (!/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/([0-9.]+)(ms|s|m|h)/g)];
  const sum = parts.reduce(
    (total, [, number, unit = ""]) => total + Number(number) * (SECONDS[unit] ?? 0),
    0,
  );
  return Math.ceil(sum);
}

export interface PublishedPort {
  readonly port: number;
  readonly protocol: string;
  /** At the host; undefined where it is for other containers only. */
  readonly published?: string;
}

/** `[address:][published:]port[/protocol]`; undefined for ranges and what is no port. */
export function portFrom(text: string): PublishedPort | undefined {
  const [, published, port, protocol = "tcp"] =
    /^(?:(?:\[?[0-9a-fA-F.:]*\]?:)?([0-9]*):)?([0-9]{1,5})(?:\/(tcp|udp))?$/.exec(text) ?? [];
  if (port === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined;
  return {
    port: Number(port),
    protocol: protocol.toUpperCase(),
    ...(published !== undefined && { published }),
  };
}

/** Host names in the labels that Traefik reads. */
export function hostsInRule(rule: string): readonly string[] {
  const calls = [...rule.matchAll(/\bHost\(([^)]*)\)/g)].map(([, inner = ""]) => inner);
  return calls.flatMap((inner) => [...inner.matchAll(/`([^`]+)`/g)].map(([, host = ""]) => host));
}
