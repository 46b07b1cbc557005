/**
 * A site's keys: certificate authorities, the operator's certificate, SSH keys.
 * They are made before anything trusts them, kept in the state folder, and
 * brought to the machines that need them.
 */
import type { RenderedFile } from "#render/files.ts";

export interface SshSeed {
  readonly authorizedKey: string;
  readonly hostKeyPrivate: string;
  readonly hostKeyPublic: string;
}

export interface Keyring {
  /** What is missing, in words; empty when complete. */
  lacks(): Promise<readonly string[]>;
  /** Makes what is missing; never replaces what is there. */
  ensure(): Promise<void>;
  complete(): Promise<boolean>;
  /** What a machine needs so that it is trusted and trusts us at its first boot. */
  ssh(machine: string): Promise<SshSeed>;
  /** The certificate files that a role has on its disk. */
  files(role: string): Promise<readonly RenderedFile[]>;
  /** A kubeconfig that may join the cluster, good for an hour from `now`. */
  bootstrapKubeconfig(now: Date): Promise<string>;
}
