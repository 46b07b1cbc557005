/** Bounds how many works of one kind run at the same time; the others wait in turn. */
export type Limit = <T>(work: () => Promise<T>) => Promise<T>;

export function limiter(most: number): Limit {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
