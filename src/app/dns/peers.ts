/** Tells the other voters, each over a connection that is kept; of several addresses the one that last worked. */
import { Agent, request } from "node:https";
import { X509Certificate } from "node:crypto";
import type { PeerCertificate } from "node:tls";
import { voterOf } from "#control/dns/signature.ts";
import type { Word } from "#control/dns/words.ts";
import { boundedAnswer } from "../bounded-answer.ts";
import type { VoterTls } from "./server.ts";
import { LONGEST_BODY, WORDS } from "./wire.ts";

const ANSWER_MS = 1500;

export interface Peer {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly port: number;
}

export interface Peers {
  send(words: readonly Word[]): void;
  close(): void;
}

/** @param hear what a peer answered @param note one line when a peer begins or ends to be silent */
export function openPeers(
  peers: readonly Peer[],
  tls: VoterTls,
  hear: (from: string, words: readonly Word[]) => void,
  note: (what: string) => void,
): Peers {
  const lines = peers.map((peer) => openLine(peer, tls, hear, note));
  return {
    send: (words) => {
      for (const line of lines) line.send(words);
    },
    close: () => {
      for (const line of lines) line.close();
    },
  };
}

function openLine(
  peer: Peer,
  tls: VoterTls,
  hear: (from: string, words: readonly Word[]) => void,
  note: (what: string) => void,
): Peers {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 1,
    ca: tls.authority,
    cert: tls.certificate,
    key: tls.key,
  });
  let turn = 0;
  let busy = false;
  let next: readonly Word[] | undefined;
  let silent: string | undefined;
  const run = async (words: readonly Word[]): Promise<void> => {
    busy = true;
    try {
      const address = peer.addresses[turn % peer.addresses.length] ?? "";
      hear(peer.name, await post(peer, address, agent, JSON.stringify({ words })));
      if (silent !== undefined) note(`hears ${peer.name} again`);
      silent = undefined;
    } catch (error) {
      turn += 1;
      if (silent === undefined) note(`does not hear ${peer.name}: ${(error as Error).message}`);
      silent = (error as Error).message;
    } finally {
      busy = false;
    }
    const waiting = next;
    next = undefined;
    if (waiting) void run(waiting);
  };
  return {
    send(words) {
      if (busy) next = words;
      else void run(words);
    },
    close: () => {
      next = undefined;
      agent.destroy();
    },
  };
}

async function post(peer: Peer, address: string, agent: Agent, body: string): Promise<readonly Word[]> {
  const asked = request({
    host: address,
    port: peer.port,
    path: "/v1/words",
    method: "POST",
    agent,
    servername: peer.name,
    minVersion: "TLSv1.3",
    checkServerIdentity: (_, certificate) => identity(peer.name, certificate),
    headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const answer = boundedAnswer(asked, LONGEST_BODY);
  asked.end(body);
  const { status, text } = await answer;
  if (status !== 200) throw new Error(`HTTP ${status}`);
  return WORDS.parse(JSON.parse(text)).words;
}

/** Its authority has been checked by then; the name is the voter's, not an address. */
function identity(voter: string, { raw }: PeerCertificate): Error | undefined {
  const shown = voterOf(new X509Certificate(raw));
  return shown === voter ? undefined : new Error(`its certificate is that of ${shown ?? "nobody"}`);
}
