/**
 * The sample services at the real sites of a lab that is up: what a person writes
 * becomes pods that answer, data stay, and nothing that is wrong takes away what
 * runs. Part of the journey of two sites, which brings the lab up and down.
 */
import { readFileSync } from "node:fs";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { expect, it } from "vitest";
import type { ServiceState } from "#app/service-state.ts";
import type { Plan } from "#plan/plan.ts";
import { ingressAddress } from "#render/router/forwards.ts";
import { keepAsking } from "./asking.ts";
import { askingFor } from "./door.ts";
import type { Kubectl } from "./kubectl.ts";
import type { Ran } from "./panopticon.ts";
import { ECHO_IMAGE, labSample } from "./samples.ts";

export interface LabOfServices {
  readonly state: string;
  readonly plan: () => Plan;
  /** PEM file of who signs what the sites show. */
  readonly authority: () => string;
  readonly at: (site: string) => Kubectl;
  /** Whatever it ends with. */
  readonly panopticon: (...argv: readonly string[]) => Promise<Ran>;
  /** What is fetched from outside. */
  readonly page: (url: string) => Promise<string>;
}

const WAIT = { timeout: 120_000, interval: 500 };
const HELLO = "hello.home.test";
const KEPT = "/var/lib/notes/kept";

/** Registers the tests; they need the crown at the first site. */
export function servicesAtRealSites({ state, plan, authority, at, panopticon, page }: LabOfServices): void {
  const sites = () => plan().sites.map(({ name }) => name);
  const deploy = async (...argv: readonly string[]): Promise<Ran> => {
    const ran = await panopticon("service", "deploy", ...argv);
    expect(ran.code, ran.stderr).toBe(0);
    return ran;
  };
  const stateOf = async (name: string): Promise<ServiceState> =>
    JSON.parse((await panopticon("service", "status", name, "-o", "json")).stdout) as ServiceState;
  /** Names, uids and images of the pods of a service that take requests at a site. */
  const ready = async (site: string, namespace: string): Promise<readonly string[]> => {
    const { items } = JSON.parse(await at(site)(["get", "pods", "--namespace", namespace, "-o", "json"])) as {
      readonly items: readonly Pod[];
    };
    return items
      .filter(({ status }) => status?.containerStatuses?.every((container) => container.ready))
      .map(({ metadata, spec }) => `${metadata?.name} ${metadata?.uid} ${spec?.containers[0]?.image}`)
      .toSorted();
  };

  it("runs the least service at every site, by its name everywhere and by its name at each", async () => {
    const { stderr } = await deploy(labSample("hello", state));
    for (const site of sites()) expect(stderr).toContain(`${site}: hello is well, 2 available`);
    await expect.poll(() => page(HELLO), WAIT).toContain(`host=${HELLO}`);
    for (const { domain } of plan().sites)
      await expect.poll(() => page(`hello.${domain}`), WAIT).toContain(`host=${HELLO}`);
  });

  it("lets nothing that is wrong take it away, and says what is wrong at which site", async () => {
    const before = await Promise.all(sites().map((site) => ready(site, "hello")));
    expect(before.map((pods) => pods.length)).toEqual(sites().map(() => 2));
    const doors = plan().sites.map((site) => ingressAddress(site));
    const asking = await keepAsking(doors, askingFor(HELLO, readFileSync(authority(), "utf8")));
    const [first = "", second = ""] = sites();

    const image = labSample("hello", state, [[ECHO_IMAGE, "127.0.0.1:9/hello:2"]]);
    const broken = await panopticon("service", "deploy", image, "--timeout", "25s");
    expect(broken.code).toBe(1);
    expect(broken.stderr).toContain(`SERVICE_UNWELL`);
    expect(broken.stderr).toMatch(
      new RegExp(`hello is not well at ${first}.*(ErrImagePull|ImagePullBackOff)`),
    );
    expect(broken.stderr).toMatch(new RegExp(`${second}.* as before`));
    expect(await Promise.all(sites().map((site) => ready(site, "hello")))).toEqual(before);

    const mistyped = labSample("hello", state, [["port: 8080", "port: 80800"]]);
    const bad = await panopticon("service", "deploy", mistyped);
    expect(bad.code).toBeGreaterThan(0);
    expect(bad.stderr).toMatch(/hello\.yaml:\d+:\d+/);
    expect(bad.stderr).toContain("80800");

    // A Secret that only the first site has: that one is well, and the next one says why it is not.
    await at(first)(["create", "secret", "generic", "words", "--namespace", "hello", "--from-literal=key=x"]);
    const secret = labSample("hello", state, [["port: 8080", "port: 8080\nsecrets: { WORD: words/key }"]]);
    const lacking = await panopticon("service", "deploy", secret, "--timeout", "45s");
    expect(lacking.code).toBe(1);
    expect(lacking.stderr).toContain(`${first}: hello is well`);
    expect(lacking.stderr).toMatch(new RegExp(`hello is not well at ${second}.*words`));
    expect(await ready(second, "hello")).toEqual(before[1]);

    await deploy(labSample("hello", state));
    expect(await ready(second, "hello")).toEqual(before[1]);
    expect(await stateOf("hello")).toMatchObject({
      sites: sites().map((site) => ({ site, state: "well" })),
    });
    const { answers, failures } = await asking.end();
    expect(failures, `${answers} answers`).toEqual([]);
    expect(answers).toBeGreaterThan(100);
  });

  it("keeps the data of a service with a volume, at the one site that has it", async () => {
    const [site = "", other = ""] = sites();
    const notes: Kubectl = (argv) => at(site)(["--namespace", "notes", ...argv]);
    await at(site)(["create", "namespace", "notes"]);
    await notes(["create", "secret", "generic", "notes-db", "--from-literal=password=secret"]);
    await deploy(labSample("notes", state));
    expect(await stateOf("notes")).toMatchObject({ sites: [{ site, state: "well" }] });
    await expect(at(other)(["get", "namespace", "notes"])).rejects.toThrow("not found");
    await notes(["exec", "notes-0", "--", "/echo", "write", KEPT, "a note"]);
    await notes(["delete", "pod", "notes-0"]);
    await notes(["rollout", "status", "statefulset/notes", "--timeout=120s"]);
    expect(await notes(["exec", "notes-0", "--", "/echo", "read", KEPT])).toBe("a note");
    await expect.poll(() => page("notes.home.test"), WAIT).toContain("host=notes.home.test");
    const claim = "jsonpath={.items[0].spec.storageClassName} {.items[0].status.phase}";
    expect(await notes(["get", "persistentvolumeclaims", "-o", claim])).toBe("lab-not-replicated Bound");
  });

  it("runs a compose file, and says what it could not carry over", async () => {
    const { stderr } = await deploy(labSample("compose", state), "--domain", "home.test");
    expect(stderr).toContain("web.depends_on");
    expect(stderr).toContain("POSTGRES_PASSWORD");
    for (const name of ["web", "db"])
      expect(await stateOf(name)).toMatchObject({ sites: sites().map((site) => ({ site, state: "well" })) });
    await expect.poll(() => page("web.home.test"), WAIT).toContain("host=web.home.test");
    // They find each other by name, as in Docker.
    const [site = ""] = sites();
    const heard = at(site)([
      "exec",
      "--namespace",
      "wiki",
      "deployment/web",
      "--",
      "/echo",
      "get",
      "http://db:8080/",
    ]);
    expect(await heard).toContain("host=db:8080");
    for (const name of ["web", "db"]) {
      const { code, stderr: why } = await panopticon("service", "remove", name, "--delete-data");
      expect(code, why).toBe(0);
    }
  });
}

/** What the service with a volume has kept, after whatever happened to its site. */
export async function keptNote(at: Kubectl): Promise<string> {
  return await at(["exec", "--namespace", "notes", "notes-0", "--", "/echo", "read", KEPT]);
}
