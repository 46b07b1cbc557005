/** What falls due first comes out first. */
export interface Heap<T> {
  readonly size: number;
  push(value: T): void;
  peek(): T | undefined;
  pop(): T | undefined;
}

/** A binary heap. @param before whether `left` comes out before `right`. */
export function openHeap<T>(before: (left: T, right: T) => boolean): Heap<T> {
  const items: T[] = [];
  const isBefore = (left: number, right: number): boolean => before(items[left] as T, items[right] as T);
  const swap = (left: number, right: number): void => {
    [items[left], items[right]] = [items[right] as T, items[left] as T];
  };
  const rise = (at: number): void => {
    for (let parent = (at - 1) >> 1; at > 0 && isBefore(at, parent); parent = (at - 1) >> 1) {
      swap(at, parent);
      at = parent;
    }
  };
  const sink = (at: number): void => {
    for (;;) {
      let first = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < items.length && isBefore(child, first)) first = child;
      }
      if (first === at) return;
      swap(at, first);
      at = first;
    }
  };
  return {
    get size() {
      return items.length;
    },
    push(value) {
      items.push(value);
      rise(items.length - 1);
    },
    peek: () => items[0],
    pop() {
      const [top] = items;
      const last = items.pop();
      if (items.length > 0) {
        items[0] = last as T;
        sink(0);
      }
      return top;
    },
  };
}
