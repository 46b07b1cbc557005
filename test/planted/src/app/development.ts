// breaks: no-development-packages-at-run-time
export { property } from "fast-check";
