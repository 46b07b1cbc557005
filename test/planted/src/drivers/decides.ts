// breaks: drivers-do-not-decide
export { phase } from "#converge/phase.ts";
