/**
 * DNSSEC at the name servers: each signs by itself what it answers, all of them
 * with the one key of the federation, so that a resolver may ask any of them.
 * Knot makes no keys of its own: two servers would make two.
 */
import { HOST_NAME, word } from "../refuse.ts";
import type { KnotItem, KnotSection } from "../formats/knot.ts";

/** The key (PKCS #8, PEM) on an ECAM, for root alone; brought by `converge`. */
export const ZONE_KEY_PATH = "/etc/panopticon/names/zone-key.pem";
/** The same for Knot's user, while it runs. */
export const ZONE_KEY_RUNNING = "/run/knot/zone-key.pem";

/** RFC 8624 asks for it, and its answers are small enough for one datagram. */
const ALGORITHM = "ecdsap256sha256";
const POLICY = "federation";

/** One key for all that is signed; NSEC, as RFC 9276 advises where names are no secret. */
export const SIGNING_POLICY: KnotSection = {
  name: "policy",
  list: true,
  items: [
    [
      ["id", POLICY],
      ["manual", true],
      ["single-type-signing", true],
      ["algorithm", ALGORITHM],
      ["cds-cdnskey-publish", "none"],
    ],
  ],
};

/** What the zone says besides. */
export const SIGNED_ZONE: KnotItem = [
  ["dnssec-signing", true],
  ["dnssec-policy", POLICY],
];

/**
 * Puts the key among those that Knot knows, where it is not yet: the same key has
 * the same id. In use since the first second of all time: a clock can't be before it.
 */
export function importZoneKey(domain: string): readonly string[] {
  const zone = word(domain, "knot.service", HOST_NAME);
  const since = ["created", "publish", "ready", "active"].map((state) => `${state}=1`);
  const use = [`algorithm=${ALGORITHM}`, "ksk=yes", "zsk=yes"];
  return ["/usr/sbin/keymgr", zone, "import-pem", ZONE_KEY_RUNNING, ...use, ...since];
}
