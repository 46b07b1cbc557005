// breaks: components-stand-on-base
export { plan } from "#plan/plan.ts";
