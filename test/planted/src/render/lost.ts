// breaks: everything-resolves
// @ts-expect-error: nothing by this name exists, which is the violation
export { lost } from "#render/absent.ts";
