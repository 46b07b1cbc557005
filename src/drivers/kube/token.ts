/** Bearer tokens: one that stays, a file that somebody renews while we run (as kubelet does in a pod), or a source of the caller's. */
import { readFile, stat } from "node:fs/promises";
import { KubeError } from "#ports/kube.ts";

/** How old a look at the file may be; a renewed token is valid long before the old one ends. */
const LOOK_SECONDS = 1;

/** A token as text, the file that holds it, or whoever knows it. */
export type Token = string | { readonly file: string } | TokenSource;

export interface TokenSource {
  /** The token to send now; KUBE_TOKEN_FILE where its file can't be read, or a KubeError of the caller's. */
  current(): Promise<string>;
  /** The server did not accept it: it is looked for again. Whether there is another one now. */
  refused(token: string): Promise<boolean>;
}

export function openToken(token: Token, now: () => number = () => performance.now()): TokenSource {
  if (typeof token === "string") return { current: async () => token, refused: async () => false };
  if ("current" in token) return token;
  const { file } = token;
  let known: { readonly text: string; readonly stamp: string } | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  const look = async (): Promise<string> => {
    try {
      const { mtimeMs, ino, size } = await stat(file);
      const stamp = `${mtimeMs} ${ino} ${size}`;
      if (known?.stamp !== stamp) known = { text: (await readFile(file, "utf8")).trim(), stamp };
      lookedAt = now();
      return known.text;
    } catch (cause) {
      const message = `The token file ${file} can't be read.`;
      const hint = "See whether the file is there and whether this process may read it.";
      throw new KubeError({ code: "KUBE_TOKEN_FILE", message, hint }, 0, "", { cause });
    }
  };
  return {
    current: async () => (known && now() - lookedAt < LOOK_SECONDS * 1000 ? known.text : look()),
    refused: async (refused) => {
      known = undefined;
      return (await look()) !== refused;
    },
  };
}
