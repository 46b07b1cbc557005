/** Keeps one name server's records as they are wanted, whoever else changes them. */
import type { NameServer, RecordSet } from "#ports/names.ts";
import { changesTo } from "./records.ts";

export class Writer {
  readonly server: NameServer;
  private readonly note: (what: string) => void;
  private wanted: readonly RecordSet[] = [];
  private busy = false;
  private again = false;
  /** With this serial number it was seen to have what is wanted. */
  private right: { readonly serial: number; readonly wanted: readonly RecordSet[] } | undefined;
  private failure: string | undefined;

  constructor(server: NameServer, note: (what: string) => void) {
    this.server = server;
    this.note = note;
  }

  /** Undefined while it has what is wanted; else what keeps it from that. */
  get trouble(): string | undefined {
    return this.failure;
  }

  /** Makes it so, or looks again whether it still is; one at a time. */
  want(wanted: readonly RecordSet[]): void {
    this.wanted = wanted;
    if (this.busy) this.again = true;
    else void this.run();
  }

  private async run(): Promise<void> {
    this.busy = true;
    try {
      do {
        this.again = false;
        await this.once();
      } while (this.again);
      if (this.failure !== undefined) this.note(`${this.server.name} takes changes again`);
      this.failure = undefined;
    } catch (error) {
      // A log has a line for each thing that happens; what to do about it is in the page of errors.
      const failure = (error as Error).message.split("\n")[0] ?? "";
      if (failure !== this.failure) this.note(`${this.server.name} can't be changed: ${failure}`);
      this.failure = failure;
    } finally {
      this.busy = false;
    }
  }

  private async once(): Promise<void> {
    const { wanted, server } = this;
    const serial = await server.serial();
    if (this.right?.serial === serial && this.right.wanted === wanted) return;
    const changes = changesTo(wanted, await server.records());
    if (changes.replace.length + changes.remove.length > 0) {
      await server.update(changes);
      for (const { name, values } of changes.replace)
        this.note(`${server.name} answers ${values.join(", ")} for ${name}`);
      for (const { name } of changes.remove) this.note(`${server.name} has ${name} no more`);
    } else this.right = { serial, wanted };
  }
}
