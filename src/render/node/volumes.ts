/** Where a lab's workers keep volumes: folders of their own disks. */

/** Each is one volume; so many services with data a worker can have. */
export const VOLUME_FOLDERS: readonly string[] = [1, 2, 3, 4, 5, 6].map(
  (number) => `/var/lib/panopticon/volumes/${number}`,
);
