/** The node's programs as one tar, for machines that are reached by SSH alone. */
import { join } from "node:path";
import { run } from "./run.ts";
import { ensureEntry } from "./store.ts";

const ARCHIVE = "programs.tar";

export interface NodeArchive {
  /** Called by its content. */
  readonly name: string;
  readonly archive: string;
}

/** Packs the layer, the same way each time; COMPONENT_COMMAND_FAILED where tar does. @param layer folder of the component `node-layer` */
export async function nodeArchive(cacheDir: string, layer: string): Promise<NodeArchive> {
  const { key, out } = await ensureEntry(cacheDir, {
    name: "node-archive",
    version: "tar",
    recipe: { layer },
    make: async (folders) => {
      const same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
      await run(["tar", ...same, "-C", layer, "-cf", join(folders.out, ARCHIVE), "usr"]);
      return "the node layer";
    },
  });
  return { name: key.slice(0, 12), archive: join(out, ARCHIVE) };
}
