/** What a site's front door takes from the disk. */
import { readFile } from "node:fs/promises";
import { type Plugin, PLUGINS } from "#render/traefik/names.ts";

const FOLDER = new URL("../render/traefik/plugins/", import.meta.url);

/** The text of each of Traefik's plugins. */
export async function pluginSources(): Promise<Readonly<Record<Plugin, string>>> {
  const texts = await Promise.all(
    PLUGINS.map(async (plugin) => [plugin, await readFile(new URL(`${plugin}.go`, FOLDER), "utf8")] as const),
  );
  return Object.fromEntries(texts) as Record<Plugin, string>;
}
