/** `/etc/default/xendomains`: what a server does with its guests when it stops and when it boots. */

export interface Xendomains {
  /** Whether guests are saved to disk when the server shuts down, and restored from there. */
  readonly savesGuests: boolean;
  /** Whether domains linked in `/etc/xen/auto` start when the server boots. */
  readonly startsGuests: boolean;
}

/** Where xl's own files for guests that start with the server are linked. */
export const AUTO_FOLDER = "/etc/xen/auto";

/** A guest that is saved and restored with the server finds its clock and its etcd in the past. */
export const SAVE_NOTHING: readonly string[] = [
  "sed",
  "-i",
  's/^XENDOMAINS_SAVE=.*/XENDOMAINS_SAVE=""/',
  "/etc/default/xendomains",
];

/** Says it once, at the file's end, whatever the file said of it. */
export const START_LINKED: readonly string[] = [
  "sed",
  "-i",
  "-e",
  `$aXENDOMAINS_AUTO=${AUTO_FOLDER}`,
  "-e",
  "/^XENDOMAINS_AUTO=/d",
  "/etc/default/xendomains",
];

/** Lines of the file; what it does not set is empty, as Debian's script has it. */
export function parseXendomains(text: string): Xendomains {
  const settings = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^(XENDOMAINS_\w+)=(["']?)(.*?)\2\s*$/.exec(line);
    if (match?.[1]) settings.set(match[1], match[3] ?? "");
  }
  return {
    savesGuests: Boolean(settings.get("XENDOMAINS_SAVE")),
    startsGuests: settings.get("XENDOMAINS_AUTO")?.replace(/\/+$/, "") === AUTO_FOLDER,
  };
}
