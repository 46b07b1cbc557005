/**
 * A client of etcd that writes numbered keys without rest and remembers which
 * writes were acknowledged: each of them must be there afterwards. It speaks to
 * the members' own JSON gateway (etcd's documentation, "gRPC gateway").
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent } from "undici";
import type { Keyring } from "#converge/keyring.ts";
import { machinesOf, type SitePlan } from "#plan/plan.ts";
import { type Gap, openGap } from "./gap.ts";

const ROOT = "/panopticon-drill/";
/** Between an acknowledged write and the next one. */
const PAUSE_MS = 40;
/** After a refusal: other members may need a moment to elect a leader. */
const REFUSED_PAUSE_MS = 20;
/** A member that takes longer is left for the next one; when all of them took too long, each gets more. */
const WRITE_MS = 500;
const LONGEST_WRITE_MS = 3000;
const READ_MS = 10_000;

export interface EtcdProbe {
  readonly gap: Gap;
  /** How many writes were acknowledged since the last `begin`. */
  acknowledged(): number;
  /** Starts a new series of keys; the old ones are deleted. */
  begin(): Promise<void>;
  /** Acknowledged keys that a linearizable read does not find with their value. */
  lost(): Promise<readonly string[]>;
  /** The members' hash of the whole key space at one revision, in words where a member does not give one. */
  hashes(): Promise<ReadonlyMap<string, string>>;
  stop(): Promise<void>;
}

interface Member {
  readonly name: string;
  readonly url: string;
}

/** Begins to write at once. */
export async function openEtcdProbe(site: SitePlan, keyring: Keyring, now: Date): Promise<EtcdProbe> {
  const { authority, client } = await keyring.etcdClient(now);
  const agent = new Agent({
    allowH2: false,
    connectTimeout: WRITE_MS,
    connect: { ca: authority, cert: client.certificate, key: client.key },
  });
  const members: readonly Member[] = machinesOf(site, "controlplane").map(({ name, address }) => ({
    name,
    url: `https://${address}:2379`,
  }));
  const gap = openGap();
  const acked = new Map<string, string>();
  const state = { series: "", stopped: false };
  let turn = 0;

  /** Undefined where the member did not answer with 200. */
  async function post<T>(
    member: Member,
    path: string,
    body: object,
    timeoutMs: number,
  ): Promise<T | undefined> {
    try {
      const { statusCode, body: answer } = await agent.request({
        origin: member.url,
        path,
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await answer.text();
      return statusCode === 200 ? (JSON.parse(text) as T) : undefined;
    } catch {
      return undefined;
    }
  }

  /** The first member's answer, beginning with the one that answered last. */
  async function anyMember<T>(path: string, body: object): Promise<T | undefined> {
    for (let tried = 0; tried < members.length; tried++, turn++) {
      const answer = await post<T>(memberAt(turn), path, body, READ_MS);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  function memberAt(index: number): Member {
    const member = members[index % members.length];
    if (!member) throw new RangeError(`${site.name} has no control plane`);
    return member;
  }

  async function write(): Promise<void> {
    for (let number = 1; !state.stopped; number++) {
      await writeOne(state.series, number);
      await sleep(PAUSE_MS);
    }
  }

  /** Tries one member after the other until the write is acknowledged, or its series is over. */
  async function writeOne(series: string, number: number): Promise<void> {
    const [key, value] = [`${series}${number}`, `${number}:${randomBytes(6).toString("hex")}`];
    const body = { key: base64(key), value: base64(value) };
    for (let tried = 0; !state.stopped && state.series === series; tried++) {
      const patience = Math.min(LONGEST_WRITE_MS, WRITE_MS * (1 + Math.floor(tried / members.length)));
      if ((await post(memberAt(turn), "/v3/kv/put", body, patience)) !== undefined) {
        gap.answered();
        if (state.series === series) acked.set(key, value);
        return;
      }
      turn++;
      await sleep(REFUSED_PAUSE_MS);
    }
  }

  async function begin(): Promise<void> {
    const series = `${ROOT}${randomBytes(4).toString("hex")}/`;
    state.series = series;
    acked.clear();
    await anyMember("/v3/kv/deleterange", range(ROOT, series));
    await anyMember("/v3/kv/deleterange", range(`${series}~`, end(ROOT)));
  }

  async function lost(): Promise<readonly string[]> {
    const wanted = new Map(acked);
    const answer = await anyMember<RangeAnswer>("/v3/kv/range", range(state.series, end(state.series)));
    if (!answer) return ["etcd did not answer a read of all keys"];
    const found = new Map(answer.kvs?.map(({ key, value }) => [text(key), text(value)]));
    return [...wanted].filter(([key, value]) => found.get(key) !== value).map(([key]) => key);
  }

  async function hashes(): Promise<ReadonlyMap<string, string>> {
    const head = await anyMember<RangeAnswer>("/v3/kv/range", { key: base64(ROOT), count_only: true });
    const revision = head?.header.revision ?? "0";
    const all = members.map(async (member) => {
      const answer = await post<HashAnswer>(member, "/v3/maintenance/hashkv", { revision }, READ_MS);
      return [
        member.name,
        answer ? `${answer.hash} since ${answer.compact_revision ?? "0"}` : "no answer",
      ] as const;
    });
    return new Map(await Promise.all(all));
  }

  await begin();
  gap.reset();
  const writing = write();
  return {
    gap,
    acknowledged: () => acked.size,
    begin,
    lost,
    hashes,
    stop: async () => {
      state.stopped = true;
      await writing;
      await anyMember("/v3/kv/deleterange", range(ROOT, end(ROOT)));
      await agent.close();
    },
  };
}

interface RangeAnswer {
  readonly header: { readonly revision: string };
  readonly kvs?: readonly { readonly key: string; readonly value: string }[];
}

interface HashAnswer {
  readonly hash: number;
  readonly compact_revision?: string;
}

function range(from: string, to: string): object {
  return { key: base64(from), range_end: base64(to) };
}

/** The first key after all that begin with `prefix` (etcd's clientv3.GetPrefixRangeEnd). */
function end(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCodePoint((prefix.codePointAt(prefix.length - 1) ?? 0) + 1);
}

function base64(plain: string): string {
  return Buffer.from(plain).toString("base64");
}

function text(encoded: string): string {
  return Buffer.from(encoded, "base64").toString();
}
