/** What machines on servers boot, built here the first time that a machine of its role is to be made. */
import { join } from "node:path";
import type { Emit } from "#base/events.ts";
import { ensureImage } from "#components/guest/image.ts";
import { type GuestImage, openGuestImage } from "#drivers/xen/image.ts";
import type { Role } from "#model/federation.ts";
import { cacheDir } from "./folders.ts";

/** A site's machines are made of one image for a day, whatever the archive does meanwhile. */
const FRESH_H = 24;

/** Each role's image; the second question for one is answered by the first. */
export function guestImages(emit: Emit): (role: Role) => Promise<GuestImage> {
  const images = new Map<Role, Promise<GuestImage>>();
  return (role) => {
    const image = images.get(role) ?? guestImage(role, emit);
    images.set(role, image);
    return image;
  };
}

async function guestImage(role: Role, emit: Emit): Promise<GuestImage> {
  const { folder } = await ensureImage(role, { emit, cacheDir: cacheDir(), freshHours: FRESH_H });
  return openGuestImage({
    kernel: join(folder, "vmlinuz"),
    initrd: join(folder, "initrd.img"),
    root: join(folder, "root.img.gz"),
  });
}
