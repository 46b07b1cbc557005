/** Asks a witness: over TLS, and only one that answers with the very certificate that the crown names. */
import { X509Certificate } from "node:crypto";
import { request } from "node:http";
import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import type { z } from "zod";
import { PanopticonError, worldFailed } from "#base/errors.ts";
import type { CrownWitness } from "#control/federation/api/crown.ts";
import { type Vote, witnessVoter } from "#control/federation/crown/take.ts";
import type { KnownCrown, WitnessClaim } from "#control/federation/crown/witness.ts";
import { type Answer, boundedAnswer } from "../bounded-answer.ts";
import type { WitnessAccess } from "./file.ts";
import { ANSWER_ERROR, REPORT, VOTE, type WitnessReport } from "./wire.ts";

/** It looks for the holder once more before it votes, for up to three seconds. */
const ANSWER_MS = 8000;
const LONGEST_ANSWER = 64 * 1024;

export interface Witness {
  /** By which its votes are counted. */
  readonly voter: string;
  claim(claim: WitnessClaim): Promise<Vote>;
  /** Tells it of a crown; what it knows then. */
  tell(crown: KnownCrown): Promise<WitnessReport>;
  /** This claim has failed, and nobody is crowned by it. */
  giveUp(claim: Pick<WitnessClaim, "site" | "epoch">): Promise<void>;
}

/**
 * Every call: FEDERATION_WITNESS_SILENT where there is no answer,
 * …_CERTIFICATE where somebody else answers, …_SECRET where it does not know
 * us, …_ANSWER where it can't vote.
 */
export function openWitness({ witness, credential }: WitnessAccess): Witness {
  const voter = witnessVoter(witness);
  const ask = async <T>(path: string, question: object, schema: z.ZodType<T>): Promise<T> => {
    const { status, text } = await post(witness, credential, path, JSON.stringify(question));
    const value = parsed(text);
    if (status === 401) throw unknownSecret(witness);
    const answer = status === 200 ? schema.safeParse(value).data : undefined;
    if (answer !== undefined) return answer;
    const said = ANSWER_ERROR.safeParse(value).data?.error ?? "nothing that a witness says";
    throw failed("FEDERATION_WITNESS_ANSWER", witness, `answered with HTTP ${status}: ${said}`);
  };
  return {
    voter,
    async claim(claim) {
      const vote = await ask("/v1/claim", claim, VOTE);
      const { site, epoch } = claim;
      if (vote.granted && (vote.promise.site !== site || vote.promise.epoch !== epoch))
        throw failed("FEDERATION_WITNESS_ANSWER", witness, "voted for what it was not asked about");
      return { ...vote, voter };
    },
    tell: (crown) => ask("/v1/crown", { crown }, REPORT),
    async giveUp({ site, epoch }) {
      const { status } = await post(witness, credential, "/v1/give-up", JSON.stringify({ site, epoch }));
      if (status !== 200) throw failed("FEDERATION_WITNESS_ANSWER", witness, `answered with HTTP ${status}`);
    },
  };
}

async function post(
  witness: CrownWitness,
  credential: string,
  path: string,
  body: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  let socket: TLSSocket | undefined;
  try {
    socket = await connected(witness, signal);
    return await exchanged(socket, new URL(path, witness.url), credential, body, signal);
  } catch (cause) {
    if (cause instanceof PanopticonError) throw cause;
    const why = signal.aborted ? `no answer within ${ANSWER_MS / 1000} s` : (cause as Error).message;
    throw failed("FEDERATION_WITNESS_SILENT", witness, `does not answer (${why})`, cause);
  } finally {
    socket?.destroy();
  }
}

/**
 * Trust is in the one certificate that the operator brought from the witness,
 * not in who signed it or until when: the handshake proves that the other end
 * has its key, and a clock that is wrong at either end must not cost the vote.
 */
function connected(witness: CrownWitness, signal: AbortSignal): Promise<TLSSocket> {
  const { hostname, port } = new URL(witness.url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const name = isIP(host) === 0 && { servername: host };
  const pinned = new X509Certificate(Buffer.from(witness.certificate, "base64")).raw;
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(port || 443),
      ...name,
      rejectUnauthorized: false,
      minVersion: "TLSv1.3",
    });
    const end = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.once("error", end);
    signal.addEventListener("abort", () => end(new Error("no connection in time")), { once: true });
    socket.once("secureConnect", () => {
      const shown = socket.getPeerX509Certificate();
      if (shown?.raw.equals(pinned)) resolve(socket);
      else end(otherCertificate(witness, shown?.fingerprint256 ?? "none"));
    });
  });
}

function exchanged(
  socket: TLSSocket,
  { host, pathname }: URL,
  credential: string,
  body: string,
  signal: AbortSignal,
): Promise<Answer> {
  const asked = request({
    createConnection: () => socket,
    method: "POST",
    path: pathname,
    headers: {
      host,
      authorization: `Bearer ${credential}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    },
    signal,
  });
  const answer = boundedAnswer(asked, LONGEST_ANSWER);
  asked.end(body);
  return answer;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failed(code: string, { name, url }: CrownWitness, why: string, cause?: unknown): PanopticonError {
  const hint =
    "See on its machine whether it runs (panopticon witness run), and whether the port can be reached from here.";
  return worldFailed(code, `the witness ${name} at ${url} ${why}`, hint, cause);
}

function unknownSecret({ name, url }: CrownWitness): PanopticonError {
  return worldFailed(
    "FEDERATION_WITNESS_SECRET",
    `the witness ${name} at ${url} does not know this federation's secret`,
    "Give it one that it knows: panopticon witness create at its machine, then panopticon crown witness set --file FILE at the hub.",
  );
}

function otherCertificate({ name, url }: CrownWitness, shown: string): PanopticonError {
  return worldFailed(
    "FEDERATION_WITNESS_CERTIFICATE",
    `what answers at ${url} is not the witness ${name}: its certificate is another one (SHA-256 ${shown})`,
    "Somebody may stand between, or the witness was made anew. In that case: panopticon crown witness remove, then panopticon crown witness set --file FILE.",
  );
}
