/** Our steering as real processes on the ground's machines, and what a client outside gets from the sites' name servers. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runProcess } from "#base/process.ts";
import { ensureVoter } from "#converge/pki/names.ts";
import { machinesOf } from "#plan/plan.ts";
import {
  type SteeringConfig,
  siteSteering,
  STEERING_SECRETS,
  witnessSteering,
} from "#render/ecam/steering.ts";
import {
  CLIENT,
  type Ground,
  ingressCertificate,
  ingressSpace,
  setAnswers,
  spaceOf,
  WITNESS_SPACE,
} from "./ground.ts";
import { type Knot, makeKnot } from "./knot.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
const INGRESS = join(import.meta.dirname, "ingress.ts");

/** A process in a namespace, which ends with the test however that one ends. */
export class Program {
  private readonly argv: readonly string[];
  private readonly file: string;
  private child: ChildProcess | undefined;

  constructor(space: string, argv: readonly string[], log: string) {
    this.argv = ["--pdeathsig", "KILL", "--", "ip", "netns", "exec", space, process.execPath, ...argv];
    this.file = log;
  }

  start(): void {
    const output = openSync(this.file, "a");
    this.child = spawn("setpriv", this.argv, { stdio: ["ignore", output, output] });
    closeSync(output);
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  log(): string {
    return readFileSync(this.file, "utf8");
  }
}

export interface Voters {
  readonly ground: Ground;
  /** By machine. */
  readonly steering: ReadonlyMap<string, Program>;
  /** By site. */
  readonly ingress: ReadonlyMap<string, Program>;
  readonly knots: ReadonlyMap<string, Knot>;
  /** What a client outside gets from a site's name servers; undefined where nothing comes in time. */
  ask(site: string, name: string): Promise<readonly string[] | undefined>;
  /** The same, asked inside the site. */
  askInside(machine: string, name: string): Promise<readonly string[] | undefined>;
  /** The file that the machine's steering writes. */
  status(machine: string): Record<string, unknown>;
  /** Somebody else answers in place of a site's ingress, with a certificate that nobody trusts; gives what ends it. */
  usurp(site: string): Promise<() => Promise<void>>;
  /** The folder of the machine's steering. */
  folderOf(machine: string): string;
  remove(): Promise<void>;
}

/** Starts everything; the first ECAM of each site holds its address. @param witness makes one and starts it */
export async function startVoters(
  ground: Ground,
  knotd: string,
  witness?: SteeringConfig["witness"],
): Promise<Voters> {
  const { plan, folder } = ground;
  const certificates = await Promise.all(plan.sites.map((site) => ingressCertificate(folder, site)));
  const authority = join(folder, "ingress-authorities.crt");
  writeFileSync(authority, certificates.map(({ cert }) => readFileSync(cert, "utf8")).join(""));
  const keys = join(folder, "names");
  const knots = new Map<string, Knot>();
  const steering = new Map<string, Program>();
  const ingress = new Map<string, Program>();
  const folderOf = (machine: string): string => join(folder, machine);
  const prepare = async (
    machine: string,
    space: string,
    config: SteeringConfig,
    knot?: Knot,
  ): Promise<void> => {
    const home = folderOf(machine);
    mkdirSync(home);
    const voter = await ensureVoter(keys, config.self, new Date());
    writeFileSync(join(home, STEERING_SECRETS.authority), voter.authority);
    writeFileSync(join(home, STEERING_SECRETS.certificate), voter.voter.certificate);
    writeFileSync(join(home, STEERING_SECRETS.key), voter.voter.key);
    if (knot) writeFileSync(join(home, STEERING_SECRETS.tsig), knot.key.secret.toString("base64"));
    const own = config.own && { own: { ...config.own, hosts: "hosts.json" } };
    const here = {
      ...config,
      ...own,
      ...(witness && { witness }),
      status: "status.json",
      probe: { authority, publicAuthorities: false },
    };
    writeFileSync(join(home, "config.json"), JSON.stringify(here));
    const program = new Program(
      space,
      [MAIN, "dns", "run", "--config", join(home, "config.json")],
      join(home, "log"),
    );
    steering.set(machine, program);
  };
  for (const [index, site] of plan.sites.entries()) {
    setAnswers(folder, site.name, {});
    const { cert, key } = certificates[index] ?? { cert: "", key: "" };
    const argv = [INGRESS, cert, key, join(folder, `${site.name}.answers`)];
    ingress.set(site.name, new Program(ingressSpace(site), argv, join(folder, `${site.name}.log`)));
    for (const machine of machinesOf(site, "ecam")) {
      const space = spaceOf(machine.name);
      const knot = makeKnot({
        knotd,
        plan,
        site,
        machine: machine.name,
        prefix: ["ip", "netns", "exec", space],
      });
      knots.set(machine.name, knot);
      await prepare(machine.name, space, siteSteering(plan, site), knot);
    }
    await ground.hold(machinesOf(site, "ecam")[0]?.name ?? "");
  }
  if (witness) {
    await prepare(witness.name, WITNESS_SPACE, witnessSteering(plan, witness));
  }
  for (const program of ingress.values()) program.start();
  await Promise.all([...knots.values()].map((knot) => knot.start()));
  for (const program of steering.values()) program.start();
  return {
    ground,
    steering,
    ingress,
    knots,
    folderOf,
    ask(site, name) {
      const at = plan.sites.find((one) => one.name === site)?.network.external[0] ?? "";
      return dig(CLIENT, at, name);
    },
    askInside(machine, name) {
      const site = plan.sites.find((one) => one.machines.some((each) => each.name === machine));
      const at = site?.machines.find((each) => each.name === machine)?.address ?? "";
      return dig(spaceOf(machine), at, name);
    },
    async usurp(name) {
      const site = plan.sites.find((one) => one.name === name);
      const own = ingress.get(name);
      if (!site || !own) throw new Error(`there is no site ${name}`);
      const strange = join(folder, "strangers-door");
      mkdirSync(strange, { recursive: true });
      const { cert, key } = await ingressCertificate(strange, site);
      const argv = [INGRESS, cert, key, join(folder, `${name}.answers`)];
      const stranger = new Program(ingressSpace(site), argv, join(strange, `${name}.log`));
      await own.kill();
      stranger.start();
      return async () => {
        await stranger.kill();
        own.start();
      };
    },
    status: (machine) => JSON.parse(readFileSync(join(folderOf(machine), "status.json"), "utf8")),
    async remove() {
      await Promise.all([...steering.values(), ...ingress.values()].map((program) => program.kill()));
      await Promise.all([...knots.values()].map((knot) => knot.remove()));
      await ground.remove();
    },
  };
}

async function dig(space: string, server: string, name: string): Promise<readonly string[] | undefined> {
  const options = ["+short", "+time=1", "+retry=0"];
  const argv = ["ip", "netns", "exec", space, "kdig", ...options, `@${server}`, name, "A"];
  const { code, stdout } = await runProcess(argv);
  if (code !== 0 || stdout.includes(";;")) return undefined;
  return stdout.split("\n").filter(Boolean).toSorted();
}
