// breaks: eslint(no-restricted-properties)
export const prints = (): boolean => process.stdout.write("printed outside cli\n");
