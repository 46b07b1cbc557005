// breaks: pure-rooms-know-no-acting-room
export { port } from "#ports/port.ts";
