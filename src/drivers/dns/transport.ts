/** Brings a DNS message to a server and its answer back, by UDP or TCP. */
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { words } from "./message.ts";

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** Thrown where no answer came in time; any other error is the network's own. */
export class NoAnswer extends Error {}

/** Asks by UDP; what is no answer to this very question is passed over. */
export function askByUdp(to: Endpoint, message: Buffer, milliseconds: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      socket.close();
      settle();
    };
    const timer = setTimeout(() => end(() => reject(new NoAnswer())), milliseconds);
    socket.once("error", (error) => end(() => reject(error)));
    socket.on("message", (answer) => {
      if (answer.length >= 12 && answer.readUInt16BE(0) === message.readUInt16BE(0))
        end(() => resolve(answer));
    });
    // A connected socket hears this server alone, and at once that nobody listens there.
    socket.connect(to.port, to.address, () => socket.send(message));
  });
}

/**
 * Asks by TCP and reads messages until `done` says that it was the last one.
 * @param done throws to end the conversation with that error
 */
export function askByTcp(
  to: Endpoint,
  message: Buffer,
  milliseconds: number,
  done: (answer: Buffer) => boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: to.address, port: to.port, noDelay: true });
    let waiting = Buffer.alloc(0);
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      settle();
    };
    const timer = setTimeout(() => end(() => reject(new NoAnswer())), milliseconds);
    socket.once("error", (error) => end(() => reject(error)));
    socket.once("close", () => end(() => reject(new NoAnswer())));
    socket.once("connect", () => socket.write(Buffer.concat([words(message.length), message])));
    socket.on("data", (piece) => {
      waiting = Buffer.concat([waiting, piece]);
      try {
        for (let size = sizeOf(waiting); size !== undefined; size = sizeOf(waiting)) {
          const answer = waiting.subarray(2, 2 + size);
          waiting = waiting.subarray(2 + size);
          if (done(answer)) return end(resolve);
        }
      } catch (error) {
        const failure = error instanceof Error ? error : new Error(String(error));
        end(() => reject(failure));
      }
    });
  });
}

/** Of the first message, where it is there as a whole. */
function sizeOf(waiting: Buffer): number | undefined {
  if (waiting.length < 2) return undefined;
  const size = waiting.readUInt16BE(0);
  return waiting.length >= 2 + size ? size : undefined;
}
