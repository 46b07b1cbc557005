import { readFileSync } from "node:fs";

export const disk = (path: string): string => readFileSync(path, "utf8");
