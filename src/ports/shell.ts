/** Commands and files on a machine. Arguments go as they are: nothing is read by a shell on the way. */
import type { RenderedFile } from "#render/files.ts";

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A file of this box, passed on as it is read: an archive may be larger than what a process should hold. */
export interface FileInput {
  readonly file: string;
}

export interface RunOptions {
  /** Standard input. Secrets go here, never into arguments. */
  readonly input?: string | Uint8Array | FileInput;
  readonly timeoutSeconds?: number;
}

export interface Shell {
  /** Runs a command as root; a non-zero exit is a result, an unreachable machine is a `worldFailed` error. */
  run(machine: string, argv: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** Writes files, each complete or not at all, owned by root. */
  put(machine: string, files: readonly RenderedFile[]): Promise<void>;
  /** Ends the connections it holds. */
  close(): Promise<void>;
}
