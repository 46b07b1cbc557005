// breaks: only-app-names-drivers
export { driver } from "#drivers/driver.ts";
