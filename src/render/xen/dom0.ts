/** What GRUB gives Xen and dom0 at boot, in files that Debian's update-grub reads. */
import type { RenderedFile } from "#render/files.ts";
import { plainText, word } from "../refuse.ts";

/** Sorts after what Debian and the person have there, so that it is read last: Xen goes by the last word. */
export const GRUB_FILE = "/etc/default/grub.d/zz-panopticon.cfg";

/** Pins dom0's memory to one size, the rest being for machines. */
export function dom0Memory(mib: number): string {
  return `dom0_mem=${mib}M,max:${mib}M`;
}

/** Adds words to variables of GRUB's settings, whatever is there before. */
export function grubFile(
  comment: string,
  added: readonly (readonly [variable: string, words: string])[],
): RenderedFile {
  const lines = added.map(([variable, words]) => {
    const name = word(variable, "grub", /^GRUB_[A-Z_]+$/);
    return `${name}="$${name} ${plainText(words, "grub", '"$`\\')}"`;
  });
  return {
    path: GRUB_FILE,
    content: `${[`# ${plainText(comment, "grub")}`, ...lines].join("\n")}\n`,
    mode: 0o644,
  };
}
