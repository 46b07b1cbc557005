/** A name server in memory, for tests of what is done when one of several is late, dead or unwilling. */
import { worldFailed } from "#base/errors.ts";
import type { NameChanges, NameServer } from "#ports/names.ts";

export class TestNameServer implements NameServer {
  readonly name: string;
  private readonly sets = new Map<string, Set<string>>();
  private answersFrom = 0;
  private now = 0;
  private refusal: Error | undefined;
  private busy = false;
  private turns = 1;

  constructor(name: string) {
    this.name = name;
  }

  tick(now: number): void {
    this.now = now;
  }

  silentUntil(milliseconds: number): void {
    this.answersFrom = milliseconds;
  }

  refuse(error: Error): void {
    this.refusal = error;
  }

  /** Its changes take so many turns of the event loop. */
  slow(turns: number): void {
    this.turns = turns;
  }

  put(name: string, text: string): void {
    this.sets.set(name, (this.sets.get(name) ?? new Set()).add(text));
  }

  /** What anybody outside sees, however the server stands to us. */
  all(): readonly string[] {
    return [...this.sets].flatMap(([name, values]) => [...values].map((text) => `${name} ${text}`));
  }

  has(name: string): number {
    return this.sets.get(name)?.size ?? 0;
  }

  async texts(name: string): Promise<readonly string[]> {
    this.heard();
    return [...(this.sets.get(name) ?? [])];
  }

  /** Two changes at once: the later one is told so, as by a real server. */
  async update({ add = [], drop = [] }: NameChanges): Promise<void> {
    this.heard();
    if (this.refusal) throw this.refusal;
    if (this.busy) throw worldFailed("NAMES_CHANGED", "another change came first");
    this.busy = true;
    for (let turn = 0; turn < this.turns; turn += 1) await new Promise(setImmediate);
    this.busy = false;
    for (const { name, value } of drop) this.sets.get(name)?.delete(value);
    for (const { name, value } of add) this.put(name, value);
  }

  async serial(): Promise<number> {
    throw new Error("not asked for");
  }

  async records(): Promise<never> {
    throw new Error("not asked for");
  }

  private heard(): void {
    if (this.now < this.answersFrom) throw worldFailed("NAMES_SILENT", "NAMES_SILENT: no answer");
  }
}
