// breaks: eslint(no-restricted-globals)
export const clock = (): number => Date.now();
