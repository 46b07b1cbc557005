// breaks: ports-are-contracts
export { driver } from "#drivers/driver.ts";
