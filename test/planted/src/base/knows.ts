// breaks: base-stands-alone
export { plan } from "#plan/plan.ts";
