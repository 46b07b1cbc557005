/** A file that others write and replace. */
import { readFile, stat } from "node:fs/promises";

export interface WatchedFileOptions<T> {
  readonly path: string;
  /** Throws where the text is no such thing. */
  readonly parse: (text: string) => T;
  /** What holds while the file is not there; what was read last where it is not given. */
  readonly absent?: T;
  readonly note: (what: string) => void;
}

/** One that can't be read leaves what was read last in force, and is complained of once. */
export class WatchedFile<T> {
  private readonly options: WatchedFileOptions<T>;
  private seen = 0;
  private complaint: string | undefined;
  /** Undefined before anything was read. */
  value: T | undefined;

  constructor(options: WatchedFileOptions<T>) {
    this.options = options;
    this.value = options.absent;
  }

  /** Reads it where it has changed; whether there is another value. */
  async look(): Promise<boolean> {
    const { path, parse, absent, note } = this.options;
    try {
      const seen = await changedAt(path);
      if (seen === this.seen) return false;
      const value = seen === 0 ? (absent ?? this.value) : parse(await readFile(path, "utf8"));
      const changed = value !== this.value;
      this.seen = seen;
      this.value = value;
      this.complaint = undefined;
      return changed;
    } catch (error) {
      const complaint = (error as Error).message;
      if (complaint !== this.complaint) note(complaint);
      this.complaint = complaint;
      return false;
    }
  }
}

/** 0 where it is not there. */
async function changedAt(path: string): Promise<number> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return mtimeMs + size + ino;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}
