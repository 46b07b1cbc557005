import { contains, type Range } from "#base/ipv4.ts";

/** Numbers in the order they are preferred: from the first to the last one, upwards or downwards. */
export type Run = readonly [from: number, to: number];

/** Numbers of one kind (a LAN's addresses, a pod network's parts), each given out once. */
export class Pool {
  readonly whole: Range;
  readonly #blocked: Range[];
  readonly #taken = new Set<number>();

  /** `blocked` ranges are never given out. */
  constructor(whole: Range, blocked: readonly Range[] = []) {
    this.whole = whole;
    this.#blocked = [...blocked];
  }

  isFree(number: number): boolean {
    return contains(this.whole, number) && !this.#taken.has(number) && !this.#blockAt(number);
  }

  /** Takes the number where it is free and says whether it was. */
  take(number: number): boolean {
    const free = this.isFree(number);
    if (free) this.#taken.add(number);
    return free;
  }

  /** Keeps a whole range from being given out. */
  block(range: Range): void {
    this.#blocked.push(range);
  }

  /** Takes the first free number of the runs; undefined where none is free. */
  takeFirst(runs: readonly Run[]): number | undefined {
    const number = runs.map((run) => this.#firstFree(run)).find((found) => found !== undefined);
    if (number !== undefined) this.#taken.add(number);
    return number;
  }

  /** How many numbers are free, counted up to `enough`. */
  countFree(enough = Number.POSITIVE_INFINITY): number {
    let free = 0;
    for (let number = this.whole.first; number <= this.whole.last && free < enough; number += 1)
      if (this.isFree(number)) free += 1;
    return free;
  }

  /** The highest range of `length` free numbers between `first` and `last`, not yet taken. */
  highestFreeRange(first: number, last: number, length: number): Range | undefined {
    let end = last;
    let number = last;
    while (number >= first && end - length + 1 >= first) {
      const block = this.#blockAt(number);
      if (block || !this.isFree(number)) {
        number = (block?.first ?? number) - 1;
        end = number;
      } else if (number === end - length + 1) return { first: number, last: end };
      else number -= 1;
    }
    return undefined;
  }

  #firstFree([from, to]: Run): number | undefined {
    const step = from <= to ? 1 : -1;
    for (let number = from; (to - number) * step >= 0; number += step) {
      const block = this.#blockAt(number);
      if (block) number = step > 0 ? block.last : block.first;
      else if (this.isFree(number)) return number;
    }
    return undefined;
  }

  #blockAt(number: number): Range | undefined {
    return this.#blocked.find((range) => contains(range, number));
  }
}
