// breaks: controllers-are-strangers
export { sibling } from "../dns/dns.ts";
