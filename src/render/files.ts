/** What `render` gives: files as data, for a person to read and for `converge` to bring to machines. */

export interface RenderedFile {
  /** Absolute path on the machine. */
  readonly path: string;
  readonly content: string;
  /** Permission bits, such as 0o644. */
  readonly mode: number;
}

/**
 * What the ground under the machines demands of their files. A Xen guest needs
 * none of it; the lab's containers do (cgroup v1, no kernel of their own).
 */
export interface Platform {
  readonly name: "xen" | "lab";
  /** The machine's network interface: `eth0` on Xen, `host0` in the lab. */
  readonly interface: string;
  readonly cgroup: "v1" | "v2";
  /** Whether kernel settings belong to the machine itself. */
  readonly ownKernel: boolean;
  /** Where the container network plugins are. */
  readonly cniBinDir: string;
}

export const XEN: Platform = {
  name: "xen",
  interface: "eth0",
  cgroup: "v2",
  ownKernel: true,
  cniBinDir: "/opt/cni/bin",
};

/**
 * The lab's containers: Debian machines in systemd-nspawn, which share the
 * kernel of the box. `cgroup` is the version the box itself runs.
 */
export function labPlatform(cgroup: Platform["cgroup"]): Platform {
  return { name: "lab", interface: "host0", cgroup, ownKernel: false, cniBinDir: "/usr/lib/cni" };
}
