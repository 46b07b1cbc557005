// breaks: nothing-builds-on-the-command-line
export { print } from "#cli/print.ts";
