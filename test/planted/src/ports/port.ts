export const port = "a port";
