import { back } from "./back.ts";

export const cycle = (): string => back();
