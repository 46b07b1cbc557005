export const driver = "a driver";
