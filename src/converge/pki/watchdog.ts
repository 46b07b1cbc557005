/** The key by which the ECAMs' watchdog over workers is known to its site's API. */
import { WATCHDOG_FOLDER, WATCHDOG_GROUP, WATCHDOG_SECRETS, WATCHDOG_USER } from "#render/ecam/watchdog.ts";
import type { RenderedFile } from "#render/files.ts";
import type { KeptClient } from "./site.ts";
import type { KeyedCertificate } from "./x509.ts";

export const WATCHDOG_CLIENT: KeptClient = {
  name: "watchdog",
  subject: { commonName: WATCHDOG_USER, organizations: [WATCHDOG_GROUP] },
};

/** What an ECAM holds of it. */
export function watchdogFiles({ certificate, key }: KeyedCertificate): readonly RenderedFile[] {
  const at = (name: string): string => `${WATCHDOG_FOLDER}/${name}`;
  return [
    { path: at(WATCHDOG_SECRETS.certificate), content: certificate, mode: 0o644 },
    { path: at(WATCHDOG_SECRETS.key), content: key, mode: 0o600 },
  ];
}
