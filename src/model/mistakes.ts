/** Mistakes found in a file, before they are given a line and a column. */

/** Keys and list indexes from the file's top to one of its parts. */
export type Path = readonly (string | number)[];

/** Every kind of mistake this room can find, with what it means. Codes never change their meaning. */
export const MODEL_CODES = {
  MODEL_ADDRESS: "Text that is not exactly one IPv4 address.",
  MODEL_ADDRESS_NOT_USABLE: "An address that no machine can have: a LAN's first or last one.",
  MODEL_ADDRESS_OUTSIDE_LAN: "An address or range that must lie in the site's LAN and does not.",
  MODEL_ADDRESS_TAKEN: "An address or range that something else already uses.",
  MODEL_COMPOSE: "A part of a compose file that a service can't have, and without which it would not run.",
  MODEL_CONFLICT: "Two keys that exclude each other.",
  MODEL_CROWN: "The crown names no on-prem site of this file.",
  MODEL_DESTINATION: "Text that is no place a service can connect to.",
  MODEL_DOMAIN: "Text that is not a DNS domain a federation can answer for.",
  MODEL_DUPLICATE_DEVICE: "One PCI device handed out twice on one server.",
  MODEL_DUPLICATE_NAME: "Two things of one kind share a name.",
  MODEL_DURATION: "Text that is not a length of time.",
  MODEL_EMAIL: "Text that is not an e-mail address.",
  MODEL_EXTERNAL_NOT_PUBLIC: "An external address that cannot be reached from the internet.",
  MODEL_FILE_EMPTY: "The file has no content.",
  MODEL_FILE_TOO_LARGE: "The file is larger than 1 MiB.",
  MODEL_GOAL: "A goal that is not exactly one known aim, or that is given twice.",
  MODEL_HOST: "Text that is not a host name, or a host name without its domain.",
  MODEL_IMAGE: "Text that is not an image with its version.",
  MODEL_JUMP: "Text that is no machine that one could go through by SSH.",
  MODEL_KEY_NOT_HERE: "A key that belongs to another kind of site.",
  MODEL_KUBERNETES_VERSION: "A Kubernetes version that is not supported.",
  MODEL_LABEL: "Text that can't be a label of a site.",
  MODEL_LINE: "An external address that comes by no internet line, or by two.",
  MODEL_MAC: "Text that is not the MAC of a network card.",
  MODEL_MISSING_KEY: "A key that must be given is not.",
  MODEL_NAME:
    "Text that is not a name: a DNS label of at most 20 characters, of a service 40, of its ports 15.",
  MODEL_NETWORK: "Text that is not an IPv4 network.",
  MODEL_NETWORK_OVERLAP: "Two networks share addresses.",
  MODEL_NETWORK_TOO_SMALL: "A network with fewer addresses than it needs.",
  MODEL_NETWORK_TOO_LARGE: "A network larger than Kubernetes takes.",
  MODEL_NETWORK_UNUSABLE: "A network from a part of the address space that is not for machines.",
  MODEL_NOT_A_MAPPING: "The file does not hold keys and values at its top.",
  MODEL_OBJECT_NAME: "Text that can't be the name of a Kubernetes object.",
  MODEL_OUT_OF_RANGE: "A number, text or list that is too small or too large.",
  MODEL_PASSTHROUGH_ROLE: "A device for a machine that its server does not carry.",
  MODEL_PATH: "Text that is not a path in a container or of a URL.",
  MODEL_PCI: "Text that is not a full PCI address.",
  MODEL_PLACEMENT: "The site's machines cannot be spread over its servers.",
  MODEL_PORT_UNKNOWN: "A port that the service does not have.",
  MODEL_RANGE: "Text that is not a range of IPv4 addresses.",
  MODEL_SECRET: "Text that does not name the key of a Secret.",
  MODEL_SERIAL: "Text that is not the serial number of a disk.",
  MODEL_SERVER_CPUS: "Machines that must stand on a server need more CPUs than it has.",
  MODEL_SERVER_DISK: "Machines that must stand on a server need more disk than it has.",
  MODEL_SERVER_MEMORY: "Machines that must stand on a server need more memory than it has.",
  MODEL_SIZE: "Text that is not an amount of memory or disk.",
  MODEL_SIZE_TOO_SMALL: "A machine of that role cannot run with so little.",
  MODEL_SITE_UNKNOWN: "A name of a site that is no site of this file.",
  MODEL_TOO_MANY: "More mistakes than are worth listing.",
  MODEL_UNKNOWN_KEY: "A key that has no meaning where it stands.",
  MODEL_URL: "Text that is not an https address.",
  MODEL_VARIABLE: "Text that can't be a variable of the environment.",
  MODEL_WITNESS_WORKERS: "Workers on a witness.",
  MODEL_WRONG_TYPE: "Text where a number, list or mapping is wanted, or the other way round.",
  MODEL_WRONG_VALUE: "A value that is not one of those that are possible.",
  MODEL_YAML_ALIAS: "An anchor or alias.",
  MODEL_YAML_AMBIGUOUS: "A value that YAML readers disagree about.",
  MODEL_YAML_CHARACTER: "A character that is invisible or that YAML readers disagree about.",
  MODEL_YAML_DIRECTIVE: "A % directive.",
  MODEL_YAML_DUPLICATE_KEY: "The same key twice in one mapping.",
  MODEL_YAML_KEY: "A key that is not plain text.",
  MODEL_YAML_MERGE: "A merge key.",
  MODEL_YAML_MULTIPLE_DOCUMENTS: "More than one document in the file.",
  MODEL_YAML_SYNTAX: "The file is not YAML.",
  MODEL_YAML_TAB: "A tab used as indentation.",
  MODEL_YAML_TAG: "An explicit type tag.",
  MODEL_YAML_TOO_DEEP: "Values nested deeper than any federation file is.",
} as const;

export type ModelCode = keyof typeof MODEL_CODES;

/** One mistake and the part of the file it is about. */
export interface Mistake {
  readonly code: ModelCode;
  /** One sentence without a full stop, naming the wrong value. */
  readonly message: string;
  /** What to change. */
  readonly hint: string;
  readonly path: Path;
  /** Where to point: the part's value (the default), its key, or an offset into the text. */
  readonly spot?: "key" | number;
  /** For a mistyped key the part that was meant, whose value is unknown therefore. */
  readonly meant?: Path;
}

/** `sites[0].network.lan`; empty for the file's top. */
export function pathText(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === "number") return `[${part}]`;
      if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(part)) return `[${quote(part)}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join("");
}

/** A value as a person wrote it, short and on one line, with nothing invisible in it. */
export function quote(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "a mapping";
  if (typeof value !== "string") return String(value);
  const short = value.length > 60 ? `${value.slice(0, 57)}...` : value;
  return JSON.stringify(short).replaceAll(/[\p{C}\p{Z}]/gu, (character) =>
    character === " " ? " " : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
