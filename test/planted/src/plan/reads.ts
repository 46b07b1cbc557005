// breaks: pure-rooms-reach-no-world
export { disk } from "#base/disk.ts";
