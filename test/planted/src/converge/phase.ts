export const phase = "a phase";
