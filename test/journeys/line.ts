/** A line to a server that a journey may cut, silence and slow down; TLS goes through it unseen. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../kube/ports.ts";

export interface Line {
  /** The server's address by way of this line. */
  readonly server: string;
  /** Nothing passes and nothing is answered, as where a cable is pulled: connections stay open. */
  cut(): void;
  /** What waited goes on, as a packet that is sent again. */
  mend(): void;
  /** Each piece of data is so much later, in both directions. */
  slow(milliseconds: number): void;
  close(): Promise<void>;
}

/** @param target such as `https://127.0.0.1:20123` */
export async function openLine(target: string): Promise<Line> {
  const { hostname, port: targetPort } = new URL(target);
  const [port = 0] = await freePorts(1);
  const sockets = new Set<Socket>();
  let delay = 0;
  let whole = Promise.withResolvers<void>();
  whole.resolve();
  const carry = async (from: Socket, to: Socket): Promise<void> => {
    try {
      for await (const piece of from) {
        if (delay > 0) await sleep(delay);
        await whole.promise;
        if (!to.write(piece as Uint8Array)) await once(to, "drain");
      }
      to.end();
    } catch {
      to.destroy();
    }
  };
  const hold = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    return socket.once("close", () => sockets.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true }, (caller) => {
    const called = connect({ host: hostname, port: Number(targetPort), allowHalfOpen: true });
    for (const [one, other] of [
      [hold(caller), called],
      [hold(called), caller],
    ] as const)
      one.once("close", () => other.destroy());
    void carry(caller, called);
    void carry(called, caller);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    server: `https://127.0.0.1:${port}`,
    cut: () => (whole = Promise.withResolvers<void>()),
    mend: () => whole.resolve(),
    slow: (milliseconds) => void (delay = milliseconds),
    async close() {
      whole.resolve();
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The server itself, for journeys that cut nothing and want no detour. */
export async function directLine(target: string): Promise<Line> {
  const refuse = (): never => {
    throw new Error("this federation was started without lines that can be cut");
  };
  return { server: target, cut: refuse, mend: refuse, slow: refuse, close: () => Promise.resolve() };
}
