/** Texts with a form of their own in a service file. */
import { parseCidr } from "#base/ipv4.ts";
import { type Fault, type Format, NETWORK } from "../formats.ts";
import { type ModelCode, quote } from "../mistakes.ts";

/** A format that a pattern alone decides. */
function form(
  code: ModelCode,
  pattern: string,
  examples: readonly string[],
  noun: string,
  hint: string,
): Format {
  const regex = new RegExp(pattern);
  return {
    code,
    pattern,
    examples,
    fault: (text) => (regex.test(text) ? undefined : { message: `${quote(text)} is not ${noun}`, hint }),
  };
}

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

/** The service's name, of which the names of its objects, pods and volumes are made. */
export const SERVICE_NAME: Format = {
  code: "MODEL_NAME",
  pattern: "^(?=.{1,40}$)[a-z]([-a-z0-9]*[a-z0-9])?$",
  examples: ["shop"],
  fault: (text) => nameFault(text, 40),
};

/** A port's name (Kubernetes: IANA_SVC_NAME). */
export const PORT_NAME: Format = {
  code: "MODEL_NAME",
  pattern: "^(?=.{1,15}$)[a-z]([-a-z0-9]*[a-z0-9])?$",
  examples: ["http"],
  fault: (text) => nameFault(text, 15),
};

function nameFault(text: string, most: number): Fault | undefined {
  const rule = "use lower-case letters, digits and -, beginning with a letter";
  if (/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(text)) {
    if (text.length <= most) return undefined;
    return { message: `the name ${quote(text)} has ${text.length} characters`, hint: `use at most ${most}` };
  }
  const better = nameFrom(text, most);
  return { message: `${quote(text)} is not a name`, hint: better ? `${rule}, such as ${better}` : rule };
}

/** The name nearest to a text; undefined where nothing of it can be used. */
export function nameFrom(text: string, most = 40): string | undefined {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^[-0-9]+/g, "")
    .slice(0, most)
    .replace(/-+$/, "");
  return name === "" ? undefined : name;
}

/** The name of another Kubernetes object, such as a Secret or a storage class. */
export const OBJECT_NAME = form(
  "MODEL_OBJECT_NAME",
  `^(?=.{1,253}$)${LABEL}(\\.${LABEL})*$`,
  ["fast"],
  "the name of a Kubernetes object",
  "use lower-case letters, digits, - and .",
);

const IMAGE_PATTERN =
  "^([a-z0-9]([-.a-z0-9]*[a-z0-9])?(:[0-9]+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:[A-Za-z0-9_][-.A-Za-z0-9_]{0,127})?(@sha256:[0-9a-f]{64})?$";

/** An image with its version: without one, sites could run different ones, and none would be rolled out. */
export const IMAGE: Format = {
  code: "MODEL_IMAGE",
  pattern: IMAGE_PATTERN,
  examples: ["registry.example/shop:1.4"],
  fault: (text) => {
    if (text.length > 500 || !new RegExp(IMAGE_PATTERN).test(text)) {
      const hint = "write it as registry/name:version, such as registry.example/shop:1.4";
      return { message: `${quote(text)} is not an image`, hint };
    }
    const last = text.split("/").at(-1) ?? "";
    const plain = text.replace(/:latest$/, "");
    const hint = `add its version, such as ${plain}:1.0: what is "latest" differs from site to site and from day to day`;
    if (last.includes("@") || (last.includes(":") && !last.endsWith(":latest"))) return undefined;
    return { message: `the image ${quote(text)} names no version`, hint };
  },
};

/** A DNS name, or one label to which the domain is added. */
export const HOST = form(
  "MODEL_HOST",
  `^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$`,
  ["shop.home.example"],
  "a host name",
  "write a name in lower case without a scheme, path or port, such as shop.home.example",
);

/** A path inside the container. */
export const PATH = form(
  "MODEL_PATH",
  "^(?!.*(^|/)[.]{1,2}(/|$))(/[^/:\\u0000-\\u001f]+)+$",
  ["/var/lib/shop"],
  "a path in the container",
  "write it from / on, without . or .. and without a / at its end, such as /var/lib/shop",
);

/** The path of a URL. */
export const URL_PATH = form(
  "MODEL_PATH",
  "^/[-A-Za-z0-9._~!$&'()*+,;=:@%/?]*$",
  ["/healthz"],
  "the path of a URL",
  "write it from / on, such as /healthz",
);

const SECRET_PATTERN = `^${LABEL}(\\.${LABEL})*/[-._A-Za-z0-9]{1,253}$`;

/** The key of a Secret: `secret/key`. What is written in its place may be the secret itself, so it is never repeated. */
export const SECRET_KEY: Format = {
  code: "MODEL_SECRET",
  pattern: SECRET_PATTERN,
  examples: ["shop-db/password"],
  fault: (text) =>
    new RegExp(SECRET_PATTERN).test(text)
      ? undefined
      : {
          message: "this is not the key of a Secret",
          hint: "write SECRET/KEY, such as shop-db/password; the value itself never stands in this file",
        },
};

/** The value of a site's label. */
export const LABEL_VALUE = form(
  "MODEL_LABEL",
  "^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$",
  ["eu"],
  "the value of a label",
  "use up to 63 letters, digits, -, _ and .",
);

/** Where a service may connect to. */
export const DESTINATION: Format = {
  code: "MODEL_DESTINATION",
  pattern: `^internet$|${NETWORK.pattern}|^(?=.{1,63}$)${LABEL}$`,
  examples: ["internet"],
  fault: (text) => {
    if (parseCidr(text) !== undefined || new RegExp(`^(?=.{1,63}$)${LABEL}$`).test(text)) return undefined;
    const hint = "write internet, a network such as 10.11.0.0/24, or the name of another namespace";
    return { message: `${quote(text)} is no place to connect to`, hint };
  },
};

/** A variable of the environment (Kubernetes: IsEnvVarName). */
export const VARIABLE = /^[-._A-Za-z][-._A-Za-z0-9]*$/;

/** The key of a site's label, with its prefix where it has one. */
export const LABEL_KEY =
  /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
