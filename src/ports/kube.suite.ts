/** What every Kube must do over a real API server, and through everything that may happen to one. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, type TestContext } from "vitest";
import { type Kube, KubeError } from "./kube.ts";
import {
  CONFIG_MAPS,
  describeFollowing,
  type KubeFixture,
  NAMESPACES,
  restartForgetful,
} from "./kube-follow.suite.ts";

/** @param open gives a cluster of the suite's own; `before` may skip a test. */
export function describeKube(
  name: string,
  open: () => Promise<KubeFixture>,
  before: (context: TestContext) => void = () => undefined,
): void {
  describe(`kube: ${name}`, () => {
    let fixture: KubeFixture;
    let kube: Kube;
    let namespace: string;
    let number = 0;
    let stop: AbortController;

    beforeEach(before);
    beforeEach(async () => {
      number += 1;
      namespace = `suite-${number}`;
      stop = new AbortController();
      await kube.create({ resource: NAMESPACES }, { metadata: { name: namespace } });
    });
    afterEach(() => stop.abort());
    beforeAll(async () => {
      fixture = await open();
      kube = fixture.kube;
    });
    afterAll(() => fixture?.clean());

    const from = () => ({ resource: CONFIG_MAPS, namespace });
    const ref = (name: string) => ({ ...from(), name });
    const make = (name: string, value: string) =>
      kube.create(from(), { metadata: { name }, data: { value } });
    const set = (name: string, value: string) => kube.patch(ref(name), { data: { value } });

    describe("objects", () => {
      it("are created once, and a second time is a typed refusal", async () => {
        await make("one", "1");
        const error = await failure(make("one", "2"));
        expect([error.code, error.status, error.reason]).toEqual([
          "KUBE_ALREADY_EXISTS",
          409,
          "AlreadyExists",
        ]);
      });

      it("are changed by merge patch, by JSON patch and by replacement, each as the field's standard has it", async () => {
        const made = await make("one", "1");
        expect((await kube.patch(ref("one"), { data: { value: null, other: "2" } })).data).toEqual({
          other: "2",
        });
        const steps = [
          { op: "test", path: "/data/other", value: "2" },
          { op: "replace", path: "/data/other", value: "3" },
        ] as const;
        expect((await kube.patch(ref("one"), steps)).data).toEqual({ other: "3" });
        expect((await failure(kube.patch(ref("one"), steps))).code).toBe("KUBE_INVALID");
        expect((await failure(kube.replace(ref("one"), made))).code).toBe("KUBE_CONFLICT");
        const now = await kube.get(ref("one"));
        expect((await kube.replace(ref("one"), { ...now, data: { value: "4" } })).data).toEqual({
          value: "4",
        });
      });

      it("are applied by an owner, who asks before taking another's field where told to", async () => {
        const object = (value: string) => ({
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: "one" },
          data: { value },
        });
        await kube.apply(ref("one"), object("1"), { fieldManager: "first" });
        const refused = await failure(
          kube.apply(ref("one"), object("2"), { fieldManager: "second", force: false }),
        );
        expect(refused.code).toBe("KUBE_CONFLICT");
        expect((await kube.get(ref("one"))).data).toEqual({ value: "1" });
        const forced = await kube.apply(ref("one"), object("2"), { fieldManager: "second" });
        expect(forced.metadata?.managedFields?.map(({ manager }) => manager)).toContain("second");
      });

      it("have a status of its own path", async () => {
        const at = { resource: NAMESPACES, name: namespace, subresource: "status" };
        const conditions = [{ type: "Suite", status: "True" }];
        const changed = await kube.patch(at, { status: { conditions } });
        expect(changed).toMatchObject({ status: { conditions } });
      });

      it("stay as they were in a dry run", async () => {
        await kube.create(from(), { metadata: { name: "one" } }, { dryRun: true });
        expect(await kube.find(ref("one"))).toBeUndefined();
        await make("one", "1");
        await kube.delete(ref("one"), { dryRun: true });
        await kube.patch(ref("one"), { data: { value: "2" } }, { dryRun: true });
        expect((await kube.get(ref("one"))).data).toEqual({ value: "1" });
      });

      it("are deleted only as what they were seen to be, where that is asked", async () => {
        const { metadata } = await make("one", "1");
        await set("one", "2");
        const uid = metadata?.uid ?? "";
        const resourceVersion = metadata?.resourceVersion ?? "";
        const wrong = [{ uid: "00000000-0000-0000-0000-000000000000" }, { uid, resourceVersion }];
        for (const preconditions of wrong) {
          expect((await failure(kube.delete(ref("one"), { preconditions }))).code).toBe("KUBE_CONFLICT");
        }
        expect(await kube.delete(ref("one"), { preconditions: { uid } })).toBe(true);
        expect(await kube.delete(ref("one"), { preconditions: { uid } })).toBe(false);
      });

      it("are of kinds that the API tells", async () => {
        const { kinds, stale } = await kube.discover();
        expect(stale).toEqual([]);
        const deployments = kinds.find(({ group, kind }) => group === "apps" && kind === "Deployment");
        expect(deployments).toMatchObject({
          plural: "deployments",
          version: "v1",
          namespaced: true,
          shortNames: ["deploy"],
        });
        expect(deployments?.verbs).toEqual(expect.arrayContaining(["list", "watch", "patch"]));
        expect(deployments?.subresources).toEqual(expect.arrayContaining(["scale", "status"]));
        expect(kinds.find(({ kind }) => kind === "Namespace")).toMatchObject({
          group: "",
          namespaced: false,
        });
      });
    });

    describe("watches", () => {
      it("tell what came, changed and went after the list, and end when the server's time is up", async () => {
        await make("before", "0");
        const { resourceVersion } = await kube.list(from());
        await make("one", "é🙂");
        await set("one", "2");
        await kube.delete(ref("one"));
        const seen: string[] = [];
        for await (const event of kube.watch(from(), { resourceVersion, timeoutSeconds: 2 })) {
          if (event.type !== "bookmark")
            seen.push(`${event.type} ${event.object.metadata?.name} ${event.object.data?.["value"]}`);
        }
        const root = ["added kube-root-ca.crt undefined"];
        const own = seen.filter((line) => !root.includes(line));
        expect(own).toEqual(["added one é🙂", "modified one 2", "deleted one 2"]);
      });

      it("stop when their caller has seen enough, or says so from outside", async () => {
        const { resourceVersion } = await kube.list(from());
        await make("one", "1");
        for await (const event of kube.watch(from(), { resourceVersion })) {
          if (event.type === "added") break;
        }
        const later = new AbortController();
        const work = (async () => {
          for await (const event of kube.watch(from(), { resourceVersion, signal: later.signal })) void event;
        })();
        setTimeout(() => later.abort(new Error("enough")), 200);
        await expect(work).rejects.toThrow("enough");
      });

      it("say that the server has forgotten where they want to go on", async () => {
        const { resourceVersion } = await kube.list(from());
        await make("one", "1");
        await restartForgetful(fixture);
        const error = await failure(
          (async () => {
            for await (const event of kube.watch(from(), { resourceVersion, timeoutSeconds: 10 })) void event;
          })(),
        );
        expect([error.code, error.reason]).toEqual(["KUBE_EXPIRED", "Expired"]);
      });
    });

    describeFollowing(() => ({ fixture, namespace, signal: stop.signal, stop: () => stop.abort() }));
  });
}

async function failure(work: Promise<unknown>): Promise<KubeError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof KubeError)) throw new Error(`expected a KubeError, got ${String(error)}`);
  return error;
}
