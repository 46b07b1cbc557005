/** Archives as the kernel unpacks them into its first root: cpio in its "newc" form (initramfs-buffer-format). */

const ALIGNMENT = 4;
const FILE = 0o100000;

/** The archive of these files, root's and readable by all; their folders have to be there already. */
export function cpio(
  files: readonly { readonly path: string; readonly content: string; readonly mode: number }[],
): Buffer {
  const entries = files.map(({ path, content, mode }, index) =>
    entry(path, Buffer.from(content), FILE | mode, index + 1),
  );
  return Buffer.concat([...entries, entry("TRAILER!!!", Buffer.alloc(0), 0, 0)]);
}

function entry(path: string, content: Buffer, mode: number, inode: number): Buffer {
  const name = Buffer.from(`${path}\0`);
  // Inode, mode, owner, group, links, time, size, four numbers of devices, length of the name, checksum.
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(content)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((ALIGNMENT - (bytes.length % ALIGNMENT)) % ALIGNMENT)]);
}
