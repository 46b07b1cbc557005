/**
 * What certificates are got with, in one network namespace: a real Knot for each
 * ECAM of a two-site plan, at its own address and port 53, and a real Pebble that
 * asks them. The command under test runs there too.
 */
import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { mustRun, runProcess } from "#base/process.ts";
import { authorityCertificate, newKeyPair, serverCertificate } from "#converge/pki/x509.ts";
import { parseFederation } from "#model/parse.ts";
import { makePlan } from "#plan/make.ts";
import { machinesOf, type Plan } from "#plan/plan.ts";
import { finish, type Ran } from "../journeys/panopticon.ts";
import { type Knot, makeKnot } from "./knot.ts";

const SPACE = "pacme";
const NAME = "acme-journey";
const EXAMPLE = join(import.meta.dirname, "../../examples/two-sites.yaml");
const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
const INSIDE = ["ip", "netns", "exec", SPACE] as const;
const CHALLENGES = [
  "_acme-challenge.home.test",
  "_acme-challenge.site1.home.test",
  "_acme-challenge.site2.home.test",
];

export interface AcmeGround {
  readonly plan: Plan;
  readonly file: string;
  /** `XDG_STATE_HOME`. */
  readonly stateHome: string;
  /** The federation's own folder in it. */
  readonly state: string;
  /** By machine. */
  readonly knots: ReadonlyMap<string, Knot>;
  /** The root of what Pebble signs, PEM. */
  readonly root: string;
  /** Of the file: who signs Pebble's own certificate. */
  readonly authorityFile: string;
  readonly pebble: Pebble;
  /** Starts `panopticon`; in a process group of its own. */
  start(...argv: readonly string[]): ChildProcess;
  run(...argv: readonly string[]): Promise<Ran>;
  /** TXT records at a machine's name server, as anybody is answered: name and text. */
  texts(machine: string): Promise<readonly string[]>;
  /** Certificates that are kept, by site. */
  kept(): ReadonlyMap<string, string>;
  remove(): Promise<void>;
}

export interface Pebble {
  start(): Promise<void>;
  kill(): Promise<void>;
  log(): string;
}

/** @param pebble path of the program */
export async function layAcmeGround(knotd: string, pebble: string): Promise<AcmeGround> {
  const folder = mkdtempSync(join(tmpdir(), "panopticon-acme-"));
  const file = join(folder, "federation.yaml");
  writeFileSync(file, federationText());
  const plan = await makePlan(parseFederation(readFileSync(file, "utf8"), file));
  const stateHome = join(folder, "state");
  const state = join(stateHome, "panopticon", NAME);
  mkdirSync(join(state, "names"), { recursive: true });
  writeFileSync(join(state, "plan.json"), JSON.stringify(plan));
  await runProcess(["ip", "netns", "delete", SPACE]);
  await mustRun("TEST_NETNS", ["ip", "netns", "add", SPACE]);
  await mustRun("TEST_NETNS", ["ip", "-n", SPACE, "link", "set", "lo", "up"]);
  const knots = await startKnots(knotd, plan, state);
  const authorityFile = join(folder, "acme-ca.crt");
  const server = makePebble(pebble, folder, plan, await pebbleKeys(authorityFile));
  await server.start();
  const start = (...argv: readonly string[]): ChildProcess => {
    const [program, ...rest] = INSIDE;
    const node = [process.execPath, "--disable-warning=ExperimentalWarning", MAIN];
    const env = { ...process.env, XDG_STATE_HOME: stateHome };
    return spawn(program, [...rest, ...node, ...argv], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env,
    });
  };
  return {
    plan,
    file,
    stateHome,
    state,
    knots,
    root: await mustRun("TEST_PEBBLE", [...INSIDE, "curl", "-sk", "https://localhost:15000/roots/0"]),
    authorityFile,
    pebble: server,
    start,
    run: (...argv) => finish(start(...argv)),
    texts: (machine) => textsAt(addressOf(plan, machine)),
    kept: () =>
      new Map(
        globSync("edge/acme/*/site-*.pem", { cwd: state }).map((path) => [
          /site-(.*)\.pem$/.exec(path)?.[1] ?? "",
          readFileSync(join(state, path), "utf8"),
        ]),
      ),
    async remove() {
      await server.kill();
      for (const knot of knots.values()) await knot.remove();
      await runProcess(["ip", "netns", "delete", SPACE]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function federationText(): string {
  const certificates = [
    "certificates:",
    "  authority: acme",
    "  acme:",
    "    directory: https://localhost:14000/dir",
    "    email: me@home.test",
    "    termsOfServiceAgreed: true",
    "    authorityFile: acme-ca.crt",
  ];
  return `${readFileSync(EXAMPLE, "utf8").replace("name: two-sites", `name: ${NAME}`)}\n${certificates.join("\n")}\n`;
}

function addressOf(plan: Plan, machine: string): string {
  const found = plan.sites.flatMap(({ machines }) => machines).find(({ name }) => name === machine);
  return found?.address ?? "";
}

async function startKnots(knotd: string, plan: Plan, state: string): Promise<ReadonlyMap<string, Knot>> {
  const knots = new Map<string, Knot>();
  for (const site of plan.sites)
    for (const { name, address } of machinesOf(site, "ecam")) {
      await mustRun("TEST_NETNS", ["ip", "-n", SPACE, "address", "add", `${address}/32`, "dev", "lo"]);
      const knot = makeKnot({ knotd, plan, site, machine: name, listen: [`${address}@53`], prefix: INSIDE });
      await knot.start();
      knots.set(name, knot);
      writeFileSync(join(state, "names", `${site.name}.tsig`), `${knot.key.secret.toString("base64")}\n`);
    }
  return knots;
}

/** Pebble's own certificate and key; who signs it goes to `authorityFile`. */
async function pebbleKeys(authorityFile: string): Promise<string> {
  const { privateKey: key } = newKeyPair();
  const now = new Date();
  const certificate = await authorityCertificate("Pebble's own", key, now);
  writeFileSync(authorityFile, certificate);
  const server = await serverCertificate({ key, certificate }, ["localhost"], 86_400, now);
  return server.certificate + server.key;
}

function makePebble(program: string, folder: string, plan: Plan, keys: string): Pebble {
  const [pem, config, log] = ["pebble.pem", "pebble.json", "pebble.log"].map((name) => join(folder, name));
  if (pem === undefined || config === undefined || log === undefined) throw new Error("three files");
  writeFileSync(pem, keys, { mode: 0o600 });
  const settings = {
    listenAddress: "127.0.0.1:14000",
    managementListenAddress: "127.0.0.1:15000",
    certificate: pem,
    privateKey: pem,
    httpPort: 5002,
    tlsPort: 5001,
    retryAfter: { authz: 1, order: 1 },
    keyAlgorithm: "ecdsa",
    profiles: { default: { description: "as usual", validityPeriod: 90 * 86_400 } },
  };
  writeFileSync(config, JSON.stringify({ pebble: settings }));
  const [first] = machinesOf(plan.sites[0] as Plan["sites"][number], "ecam");
  let child: ChildProcess | undefined;
  return {
    async start() {
      const output = openSync(log, "a");
      const argv = [...INSIDE, program, "-config", config, "-dnsserver", `${first?.address}:53`];
      // Proofs are looked for without a pause, but always looked for, and each time anew.
      const env = { ...process.env, PEBBLE_VA_NOSLEEP: "1", PEBBLE_AUTHZREUSE: "0" };
      child = spawn("setpriv", ["--pdeathsig", "KILL", "--", ...argv], {
        stdio: ["ignore", output, output],
        env,
      });
      closeSync(output);
      for (let tried = 0; ; tried += 1) {
        const { code } = await runProcess([...INSIDE, "curl", "-sk", "https://localhost:14000/dir"]);
        if (code === 0) return;
        if (tried > 100) throw new Error(`Pebble did not start:\n${readFileSync(log, "utf8")}`);
        await sleep(100);
      }
    },
    async kill() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child?.once("exit", resolve));
      child.kill("SIGKILL");
      await gone;
    },
    log: () => readFileSync(log, "utf8"),
  };
}

async function textsAt(address: string): Promise<readonly string[]> {
  const found = await Promise.all(
    CHALLENGES.map(async (name) => {
      const { stdout } = await runProcess([...INSIDE, "kdig", "+short", `@${address}`, name, "TXT"]);
      return stdout
        .split("\n")
        .filter(Boolean)
        .map((text) => `${name} ${text}`);
    }),
  );
  return found.flat();
}
