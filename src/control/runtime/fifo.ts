/** A queue in which each value is at most once. */
export interface Fifo<T> {
  readonly size: number;
  /** At the end, unless it is there already. */
  add(value: T): void;
  has(value: T): boolean;
  delete(value: T): boolean;
  /** Takes the first. */
  shift(): T | undefined;
}

/**
 * A Set keeps the order, and one iterator goes along with it: a new one for each
 * `shift` would pass over all that was deleted before, again and again.
 */
export function openFifo<T>(): Fifo<T> {
  const values = new Set<T>();
  let iterator: SetIterator<T> | undefined;
  return {
    get size() {
      return values.size;
    },
    add: (value) => void values.add(value),
    has: (value) => values.has(value),
    delete: (value) => values.delete(value),
    shift() {
      if (values.size === 0) return undefined;
      iterator ??= values.values();
      let step = iterator.next();
      if (step.done) {
        iterator = values.values();
        step = iterator.next();
      }
      if (step.done) return undefined;
      values.delete(step.value);
      return step.value;
    },
  };
}
