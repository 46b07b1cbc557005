// breaks: eslint(no-console)
export const report = (): void => console.log("printed outside cli");
