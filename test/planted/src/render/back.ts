// breaks: no-cycles
import { cycle } from "./cycle.ts";

export const back = (): string => cycle();
