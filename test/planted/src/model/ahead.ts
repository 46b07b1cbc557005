// breaks: model-knows-no-plan
export { plan } from "#plan/plan.ts";
