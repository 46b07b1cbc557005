/** Texts with a form of their own: what each looks like and what is wrong with one that does not. */
import { formatCidr, networkOf, parseAddress, parseCidr, parsePrefixed, type Range } from "#base/ipv4.ts";
import { parseBytes, parseHours } from "#base/units.ts";
import { JUMP_PATTERN, parseJump } from "./jump.ts";
import { type ModelCode, quote } from "./mistakes.ts";

export interface Fault {
  readonly message: string;
  readonly hint: string;
}

export interface Format {
  readonly code: ModelCode;
  /** Regular expression for editors; what `fault` accepts matches it. */
  readonly pattern: string;
  readonly examples: readonly string[];
  /** What is wrong with the text; undefined where nothing is. */
  readonly fault: (text: string) => Fault | undefined;
}

const OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const ADDRESS = `${OCTET}(\\.${OCTET}){3}`;
const LABEL = "[a-z]([-a-z0-9]*[a-z0-9])?";
const SIZE = /^(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,3})? ?(?:[MGT]i?B)$/;
const PCI = /^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/;

/** A name that other names are made of: `<site>-worker-10` must be a DNS label of at most 63 characters. */
export const NAME: Format = {
  code: "MODEL_NAME",
  pattern: `^(?=.{1,20}$)${LABEL}$`,
  examples: ["attic"],
  fault: (text) => {
    if (new RegExp(`^${LABEL}$`).test(text)) {
      if (text.length <= 20) return undefined;
      return { message: `the name ${quote(text)} has ${text.length} characters`, hint: "use at most 20" };
    }
    const better = text
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-")
      .replaceAll(/^[-0-9]+|-+$/g, "")
      .slice(0, 20);
    const rule = "use lower-case letters, digits and -, beginning with a letter";
    return {
      message: `${quote(text)} is not a name`,
      hint: NAME_RE.test(better) ? `${rule}, such as ${better}` : rule,
    };
  },
};
const NAME_RE = new RegExp(NAME.pattern);

/** The zone the federation answers for: two labels or more, and short enough for the names below it. */
export const DOMAIN: Format = {
  code: "MODEL_DOMAIN",
  pattern:
    "^(?=.{3,180}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*\\.[a-z]([-a-z0-9]{0,61}[a-z0-9])?$",
  examples: ["home.example"],
  fault: (text) => {
    if (!new RegExp(DOMAIN.pattern).test(text)) {
      const hint =
        "write a domain of two parts or more in lower case, without a dot at its end, such as home.example";
      return { message: `${quote(text)} is not a domain`, hint };
    }
    if (!/(^|\.)cluster\.local$/.test(text)) return undefined;
    return { message: `${text} belongs to the inside of every cluster`, hint: "choose a domain of your own" };
  },
};

/** Such as `10.11.0.1`. */
export const ADDRESS_FORMAT: Format = {
  code: "MODEL_ADDRESS",
  pattern: `^${ADDRESS}$`,
  examples: ["10.11.0.1"],
  fault: (text) => {
    if (parseAddress(text) !== undefined) return undefined;
    return (
      leadingZero(text) ?? {
        message: `${quote(text)} is not an IPv4 address`,
        hint: "write one such as 10.11.0.1",
      }
    );
  },
};

/** Such as `10.11.0.0/24`. */
export const NETWORK: Format = {
  code: "MODEL_NETWORK",
  pattern: `^${ADDRESS}/(3[0-2]|[12]?[0-9])$`,
  examples: ["10.11.0.0/24"],
  fault: (text) => {
    if (parseCidr(text) !== undefined) return undefined;
    const read = parsePrefixed(text);
    if (read) {
      const network = formatCidr(networkOf(read.address, read.prefix));
      return {
        message: `${quote(text)} is an address in a network, not a network`,
        hint: `write ${network}`,
      };
    }
    if (parseAddress(text) !== undefined) {
      return {
        message: `${quote(text)} does not say how large the network is`,
        hint: `write ${text}/24 for 256 addresses`,
      };
    }
    return (
      leadingZero(text) ?? {
        message: `${quote(text)} is not an IPv4 network`,
        hint: "write one such as 10.11.0.0/24",
      }
    );
  },
};

/** `first-last`, or one address. */
export const RANGE: Format = {
  code: "MODEL_RANGE",
  pattern: `^${ADDRESS}(-${ADDRESS})?$`,
  examples: ["10.11.0.200-10.11.0.250"],
  fault: (text) => {
    const range = parseRange(text);
    if (range && range.first <= range.last) return undefined;
    if (range)
      return { message: `${quote(text)} ends before it begins`, hint: "write the lower address first" };
    const hint = "write first-last without spaces, such as 10.11.0.200-10.11.0.250, or one address";
    return leadingZero(text) ?? { message: `${quote(text)} is not a range of IPv4 addresses`, hint };
  },
};

/** Reads a range, or an address as a range of one; undefined where the text is neither. */
export function parseRange(text: string): Range | undefined {
  const [firstText = "", lastText = firstText, ...rest] = text.split("-");
  const first = parseAddress(firstText);
  const last = parseAddress(lastText);
  return first === undefined || last === undefined || rest.length > 0 ? undefined : { first, last };
}

function leadingZero(text: string): Fault | undefined {
  if (!/^[0-9.\-/]+$/.test(text) || !/(^|[.\-/])0[0-9]/.test(text)) return undefined;
  return {
    message: `${quote(text)} has a number with a leading zero, which is octal to some programs`,
    hint: `write ${text.replaceAll(/(^|[.\-/])0+(?=[0-9])/g, "$1")} if decimal numbers are meant`,
  };
}

/** An amount of memory: `64GiB`. At least 1 MiB. */
export const MEMORY: Format = {
  code: "MODEL_SIZE",
  pattern: SIZE.source,
  examples: ["64GiB"],
  fault: (text) => sizeFault(text, 2 ** 20, "64GiB"),
};

/** An amount of disk: `500GB`. At least 1 GiB. */
export const DISK_SIZE: Format = {
  code: "MODEL_SIZE",
  pattern: SIZE.source,
  examples: ["500GB"],
  fault: (text) => sizeFault(text, 2 ** 30, "500GB"),
};

function sizeFault(text: string, least: number, example: string): Fault | undefined {
  if (SIZE.test(text)) {
    if ((parseBytes(text) ?? 0) >= least) return undefined;
    return {
      message: `${quote(text)} is less than 1 ${least === 2 ** 20 ? "MiB" : "GiB"}`,
      hint: `write more, such as ${example}`,
    };
  }
  const near = /^([0-9.]+) ?([mgt])(i?)b?$/i.exec(text);
  const better = near && `${near[1]}${near[2]?.toUpperCase()}${near[3] && "i"}B`;
  const hint = `write a number with its unit (MiB, GiB, TiB, MB, GB, TB), such as ${better && SIZE.test(better) ? better : example}`;
  return { message: `${quote(text)} is not an amount of memory or disk`, hint };
}

/** The directory of an ACME authority. */
export const HTTPS_URL: Format = {
  code: "MODEL_URL",
  pattern: "^https://[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?(/[^\\s?#]*)?$",
  examples: ["https://acme-v02.api.letsencrypt.org/directory"],
  fault: (text) => {
    if (new RegExp(HTTPS_URL.pattern).test(text) && URL.canParse(text)) return undefined;
    const hint = "write one such as https://acme-v02.api.letsencrypt.org/directory";
    return { message: `${quote(text)} is not an https:// address`, hint };
  },
};

/** A person's address, as far as an authority takes it. */
export const EMAIL: Format = {
  code: "MODEL_EMAIL",
  pattern: "^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\\.[A-Za-z0-9-]{1,63})+$",
  examples: ["you@home.example"],
  fault: (text) => {
    if (new RegExp(EMAIL.pattern).test(text)) return undefined;
    return { message: `${quote(text)} is not an e-mail address`, hint: "write one such as you@home.example" };
  },
};

/** A machine that one goes through by SSH. */
export const JUMP: Format = {
  code: "MODEL_JUMP",
  pattern: JUMP_PATTERN,
  examples: ["me@door.home.example:2222"],
  fault: (text) => {
    if (parseJump(text)) return undefined;
    const hint =
      "write user@host or user@host:port, such as me@door.home.example:2222; the host by its name or IPv4 address";
    return { message: `${quote(text)} is no machine to go through`, hint };
  },
};

/** A device as `lspci -D` shows it. */
export const PCI_ADDRESS: Format = {
  code: "MODEL_PCI",
  pattern: PCI.source,
  examples: ["0000:03:00.0"],
  fault: (text) => {
    if (PCI.test(text)) return undefined;
    const lower = text.toLowerCase();
    const better = [lower, `0000:${lower}`].find((form) => PCI.test(form));
    const hint = `write it as "lspci -D" shows it, in quotes: "${better ?? "0000:03:00.0"}"`;
    return { message: `${quote(text)} is not a full PCI address`, hint };
  },
};

/** A disk's serial number as `lsblk` shows it. No `|` and no `\\`: the installer's lists are parted by them. */
export const SERIAL: Format = {
  code: "MODEL_SERIAL",
  pattern: "^[!-\\[\\]-{}~]([ -\\[\\]-{}~]{0,62}[!-\\[\\]-{}~])?$",
  examples: ["S5GXNX0T123456"],
  fault: (text) => {
    if (new RegExp(SERIAL.pattern).test(text)) return undefined;
    const hint = 'write it as "lsblk -d -o NAME,SIZE,SERIAL" shows it, in quotes where it is a number';
    return { message: `${quote(text)} is not the serial number of a disk`, hint };
  },
};

/** A network card's address, in small letters. */
export const MAC: Format = {
  code: "MODEL_MAC",
  pattern: "^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$",
  examples: ["3c:ec:ef:12:34:56"],
  fault: (text) => {
    if (new RegExp(MAC.pattern).test(text)) return undefined;
    const better = text.toLowerCase().replaceAll("-", ":");
    const hint = `write it as "ip link" shows it: ${new RegExp(MAC.pattern).test(better) ? better : "3c:ec:ef:12:34:56"}`;
    return { message: `${quote(text)} is not the MAC of a network card`, hint };
  },
};

/** A share of time: `99.9%`. */
export const PERCENT: Format = {
  code: "MODEL_GOAL",
  pattern: "^[1-9]?[0-9](\\.[0-9]{1,9})?%$",
  examples: ["99.9%"],
  fault: (text) => {
    if (new RegExp(PERCENT.pattern).test(text) && Number.parseFloat(text) > 0) return undefined;
    return {
      message: `${quote(text)} is not an availability`,
      hint: "write more than 0% and less than 100%, such as 99.9%",
    };
  },
};

/** A time such as `10min`, `4h`, `14d`, `5y`. */
export const DURATION: Format = {
  code: "MODEL_DURATION",
  pattern: "^[1-9][0-9]{0,5}(min|h|d|y)$",
  examples: ["4h"],
  fault: (text) => {
    if (parseHours(text) !== undefined) return undefined;
    return {
      message: `${quote(text)} is not a length of time`,
      hint: "write a whole number with min, h, d or y, such as 4h",
    };
  },
};

/** The releases this version builds, renders for and is tested with. */
export const KUBERNETES_VERSION: Format = {
  code: "MODEL_KUBERNETES_VERSION",
  pattern: "^v1\\.36\\.(0|[1-9][0-9]{0,2})$",
  examples: ["v1.36.3"],
  fault: (text) => {
    if (new RegExp(KUBERNETES_VERSION.pattern).test(text)) return undefined;
    return {
      message: `${quote(text)} is not a supported Kubernetes version`,
      hint: "write v1.36.3, or another v1.36 release",
    };
  },
};
