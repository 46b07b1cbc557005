/**
 * Loaded into an agent's process before all else (NODE_OPTIONS=--import=…): its
 * time of day is an hour ahead, and an hour behind from SIGUSR2 on. The process
 * asks the time through `Date` alone; Linux' time namespaces leave the time of
 * day as it is, and a preloaded C library does not reach a static V8.
 */
const HOUR_MS = 3_600_000;
const RealDate = Date;
let shift = HOUR_MS;

process.on("SIGUSR2", () => (shift = -HOUR_MS));

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given: readonly unknown[]) =>
    Reflect.construct(target, given.length === 0 ? [RealDate.now() + shift] : given) as object,
  get: (target, key) => (key === "now" ? () => target.now() + shift : (Reflect.get(target, key) as unknown)),
});
