// breaks: typescript(no-floating-promises)
const work = async (): Promise<void> => {};

export const forgotten = (): void => {
  work();
};
