import type { Ingress } from "kubernetes-types/networking/v1.d.ts";
import { expect, it } from "vitest";
import type { Follower, Kube } from "#ports/kube.ts";
import { followHosts, hostsOf } from "./hosts.ts";

const route = (name: string, ...hosts: readonly string[]): Ingress => ({
  metadata: { namespace: "shop", name },
  spec: { rules: [{}, ...hosts.map((host) => ({ host }))] },
});

it("a site's hosts are each there once, in order, and are names that can be asked for", () => {
  expect(hostsOf([route("one", "b", "a"), route("two", "a", "*.c", ""), {}])).toEqual(["a", "b"]);
});

it("they are told when they change, also when there are none, one telling after the other", async () => {
  const end = new AbortController();
  const told: (readonly string[])[] = [];
  let follower: Follower<Ingress> | undefined;
  const kube = {
    listAndWatch: (_from: object, one: Follower<Ingress>) => {
      follower = one;
      return new Promise<void>((done) => end.signal.addEventListener("abort", () => done()));
    },
  } as unknown as Kube;
  let busy = 0;
  const tell = async (hosts: readonly string[]): Promise<void> => {
    busy += 1;
    expect(busy).toBe(1);
    await new Promise((resume) => setTimeout(resume, 5));
    told.push(hosts);
    busy -= 1;
  };
  const done = followHosts({ kube, labelSelector: "", tell, signal: end.signal });
  follower?.replace([], "1");
  follower?.change("added", route("one", "a"));
  follower?.change("modified", route("one", "a", "b"));
  follower?.change("added", route("two", "b"));
  follower?.change("deleted", route("one", "a", "b"));
  follower?.replace([route("two", "b")], "9");
  end.abort();
  await done;
  expect(told).toEqual([[], ["a"], ["a", "b"], ["b"]]);
});
