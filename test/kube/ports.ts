/** Ports for a plane's programs, which keep them over restarts. */
import { once } from "node:events";
import { createServer } from "node:net";

/** Below the range that the kernel gives to outgoing connections, so that none takes a port while its program is down. */
const [FIRST, COUNT] = [20_000, 12_000] as const;

/** `count` ports on 127.0.0.1 that nothing listens on at this moment. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (!ports.has(port) && (await isFree(port))) ports.add(port);
  }
  return [...ports];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
