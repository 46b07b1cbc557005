/**
 * Decision-diagram nodes (variable, low, high), each kept once: numbers from 2 on
 * in typed arrays, found again through an open-addressing hash. 0 and 1 are the
 * two leaves. A node's children always have smaller numbers than it has.
 */

const FIRST_CAPACITY = 1 << 8;
const LEAST_BITS = 8;
const MOST_BITS = 18;
/** A leaf's variable: after every other. */
const LEAF = 0x7fffffff;

export class NodeTable {
  variable = new Int32Array(FIRST_CAPACITY).fill(LEAF, 0, 2);
  low = new Int32Array(FIRST_CAPACITY);
  high = new Int32Array(FIRST_CAPACITY);
  size = 2;
  #slots = new Int32Array(FIRST_CAPACITY * 2);

  /** The node of these three; made where it is not there yet. */
  node(variable: number, low: number, high: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash(variable, low, high) & mask;
    for (;;) {
      const found = this.#slots[slot] ?? 0;
      if (found === 0) break;
      if (this.variable[found] === variable && this.low[found] === low && this.high[found] === high)
        return found;
      slot = (slot + 1) & mask;
    }
    return this.#add(variable, low, high, slot);
  }

  #add(variable: number, low: number, high: number, slot: number): number {
    const index = this.size++;
    if (index === this.variable.length) this.#grow();
    this.variable[index] = variable;
    this.low[index] = low;
    this.high[index] = high;
    if (this.size * 2 > this.#slots.length) this.#rehash();
    else this.#slots[slot] = index;
    return index;
  }

  #grow(): void {
    const wider = (array: Int32Array): Int32Array<ArrayBuffer> => {
      const copy = new Int32Array(array.length * 2);
      copy.set(array);
      return copy;
    };
    this.variable = wider(this.variable);
    this.low = wider(this.low);
    this.high = wider(this.high);
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let index = 2; index < this.size; index++) {
      let slot = hash(this.variable[index] ?? 0, this.low[index] ?? 0, this.high[index] ?? 0) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = index;
    }
    this.#slots = slots;
  }
}

/** Remembered results of operations on up to three numbers; an older one may be forgotten for a newer. */
export class ResultCache {
  readonly #keys: Int32Array;
  readonly #results: Int32Array;
  readonly #mask: number;

  /** For work of about so many results; more is forgotten sooner, never wrong. */
  constructor(results: number) {
    const bits = Math.min(MOST_BITS, Math.max(LEAST_BITS, Math.ceil(Math.log2(results))));
    this.#keys = new Int32Array(3 << bits).fill(-1);
    this.#results = new Int32Array(1 << bits);
    this.#mask = (1 << bits) - 1;
  }

  get(a: number, b: number, c: number): number | undefined {
    const slot = hash(a, b, c) & this.#mask;
    const keys = this.#keys;
    const hit = keys[slot * 3] === a && keys[slot * 3 + 1] === b && keys[slot * 3 + 2] === c;
    return hit ? this.#results[slot] : undefined;
  }

  set(a: number, b: number, c: number, result: number): number {
    const slot = hash(a, b, c) & this.#mask;
    this.#keys[slot * 3] = a;
    this.#keys[slot * 3 + 1] = b;
    this.#keys[slot * 3 + 2] = c;
    this.#results[slot] = result;
    return result;
  }
}

function hash(a: number, b: number, c: number): number {
  let mixed = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
