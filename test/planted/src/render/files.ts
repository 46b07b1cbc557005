export const files = "rendered files";
