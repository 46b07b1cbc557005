/** What a server lacks before it can carry machines, and making it. */
import { worldFailed } from "#base/errors.ts";
import type { Shell } from "#ports/shell.ts";
import type { ServerFacts } from "./facts.ts";
import { bringImage, type GuestImage } from "./image.ts";
import { SAVE_NOTHING } from "./xendomains.ts";

export interface ServerNeeds {
  readonly images: readonly GuestImage[];
  /** Volume groups by name. */
  readonly groups: readonly string[];
}

/** What every guest's network card is plugged into. */
export const BRIDGE = "xenbr0";

/** In words; empty where the server is ready. */
export function serverLacks(server: string, facts: ServerFacts, needs: ServerNeeds): readonly string[] {
  const lacks: string[] = [];
  if (!facts.bridges.has(BRIDGE)) lacks.push(`bridge ${BRIDGE} on ${server}`);
  for (const group of needs.groups)
    if (!facts.groups.has(group)) lacks.push(`volume group ${group} on ${server}`);
  for (const { digest } of absentImages(facts, needs)) lacks.push(`guests' image ${digest} on ${server}`);
  if (facts.savesGuests) lacks.push(`xendomains on ${server} that does not save guests`);
  return lacks;
}

/**
 * Makes what is lacking. A bridge and volume groups are the server's own
 * network and disks, which this driver does not touch: XEN_NO_BRIDGE and
 * XEN_NO_GROUP say how to make them.
 */
export async function prepareServer(
  shell: Shell,
  server: { readonly name: string; readonly host: string },
  facts: ServerFacts,
  needs: ServerNeeds,
): Promise<void> {
  if (!facts.bridges.has(BRIDGE)) {
    throw worldFailed(
      "XEN_NO_BRIDGE",
      `${server.name} has no bridge ${BRIDGE} for its guests.`,
      "Put its network card into a bridge of that name, with the card's MAC address and the server's address on the bridge.",
    );
  }
  const missing = needs.groups.find((group) => !facts.groups.has(group));
  if (missing !== undefined) {
    throw worldFailed(
      "XEN_NO_GROUP",
      `${server.name} has no volume group ${missing}, from which machines get their disks.`,
      `Make it of an empty disk: vgcreate ${missing} /dev/DISK`,
    );
  }
  if (facts.savesGuests) await shell.run(server.host, SAVE_NOTHING);
  for (const image of absentImages(facts, needs)) await bringImage(shell, server.host, image);
}

function absentImages(facts: ServerFacts, { images }: ServerNeeds): readonly GuestImage[] {
  return images.filter(({ digest }) => !facts.images.has(digest));
}
