export const print = "what prints";
