/** One request and its answer as an object. */
import type { RequestOptions } from "#ports/kube.ts";
import { refused, unreadable } from "./failure.ts";
import type { KubeRequest, Transport } from "./transport.ts";

/** Sends one request and reads its answer; anything but success is a KubeError. */
export type Send = <T>(request: KubeRequest, options: RequestOptions | undefined) => Promise<T>;

export function openSender(server: string, transport: Transport): Send {
  return async <T>(request: KubeRequest, options: RequestOptions | undefined) => {
    const what = `${request.method} ${request.path}`;
    const answer = await transport.send(request, options);
    if (answer.status >= 300) throw refused(server, what, answer);
    try {
      return JSON.parse(answer.text) as T;
    } catch (cause) {
      throw unreadable(server, what, answer.status, cause);
    }
  };
}
