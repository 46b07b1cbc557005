export const plan = "a plan";
