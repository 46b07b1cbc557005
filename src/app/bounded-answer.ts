/** Reading an HTTP answer of somebody who may be anybody: no more of it than is agreed. */
import type { ClientRequest } from "node:http";

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The answer to a request that somebody else ends. @param longest in bytes; a longer body fails the request. */
export function boundedAnswer(asked: ClientRequest, longest: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    asked.once("error", reject);
    asked.once("response", (response) => {
      const pieces: Buffer[] = [];
      let length = 0;
      response.on("data", (piece: Buffer) => {
        length += piece.length;
        if (length > longest) asked.destroy(new Error("its answer has no end"));
        pieces.push(piece);
      });
      response.once("error", reject);
      response.once("end", () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString() }),
      );
    });
  });
}
