/** Steering as a process: of the machine that holds the site's address for names, or of the witness. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Emit } from "#base/events.ts";
import { worldFailed } from "#base/errors.ts";
import { type Clock, pause, systemClock } from "#control/runtime/clock.ts";
import { isServiceHost } from "#control/dns/hosts.ts";
import { steeringVoters } from "#control/dns/report.ts";
import { openSigner, type Signer } from "#control/dns/signature.ts";
import { Steerer } from "#control/dns/steerer.ts";
import type { Service } from "#control/dns/targets.ts";
import { openNameServer } from "#drivers/dns/server.ts";
import { STEERING_PORT } from "#render/router/forwards.ts";
import { holds } from "../own-addresses.ts";
import { type LoadedConfig, parseHosts, parseServices, readSteeringConfig } from "./config.ts";
import { openPeers, type Peer } from "./peers.ts";
import { probeService, probeSite, trusted } from "./probe.ts";
import { serveVoters, type VoterTls } from "./server.ts";
import { WatchedFile } from "./watched-file.ts";

const TICK_MS = 1000;
const SERVER_MS = 1000;
const PROBE = { port: 443, intervalMs: 1000, timeoutMs: 900 } as const;

interface Files {
  readonly tls: VoterTls;
  readonly signer: Signer;
  readonly secret: Buffer;
  readonly probes: ReturnType<typeof trusted>;
}

/** Runs until `signal` is aborted. Errors: CLI_FILE_…, NAMES_CONFIG, NAMES_KEY_FILE, CONTROL_PORT. */
export async function runSteering(file: string, emit: Emit, signal: AbortSignal): Promise<void> {
  const config = await readSteeringConfig(file);
  const files = await readFiles(config);
  const note = (what: string): void => emit({ kind: "note", subject: config.self, what });
  const duty = new Duty(config, files, note, systemClock);
  const at = { port: STEERING_PORT, ...config.listen };
  const close = await serveVoters(files.tls, at, {
    voters: duty.voters,
    hear: (from, words) => duty.steerer?.hear(from, words),
    status: () => duty.status(),
  });
  note(`votes with ${duty.voters.join(", ")}; listens on port ${at.port}`);
  try {
    while (!signal.aborted) {
      await duty.look();
      await pause(systemClock, TICK_MS, signal);
    }
  } finally {
    duty.end();
    close();
  }
}

/** The work itself, while it is this machine's. */
class Duty {
  readonly voters: readonly string[];
  steerer: Steerer | undefined;
  private readonly config: LoadedConfig;
  private readonly files: Files;
  private readonly note: (what: string) => void;
  private readonly clock: Clock;
  private stop: (() => void) | undefined;
  private readonly services: WatchedFile<readonly Service[]> | undefined;
  private readonly hosts: WatchedFile<readonly string[]> | undefined;
  private complaint: string | undefined;

  constructor(config: LoadedConfig, files: Files, note: (what: string) => void, clock: Clock) {
    this.config = config;
    this.files = files;
    this.note = note;
    this.clock = clock;
    this.voters = steeringVoters(
      config.sites.map(({ name }) => name),
      config.witness?.name,
    );
    const { services, own, at } = config;
    if (services !== undefined) this.services = this.servicesFile(at(services));
    if (own?.hosts !== undefined)
      this.hosts = new WatchedFile({
        path: at(own.hosts),
        parse: (text) => parseHosts(text, at(own.hosts ?? "")),
        note,
      });
  }

  /** Takes the work up or lays it down, as the address has moved; says what is seen. */
  async look(): Promise<void> {
    const mine = this.config.own === undefined || holds(this.config.own.activeAddress);
    if (mine && !this.steerer) this.begin();
    if (!mine && this.steerer) this.end();
    if (await this.services?.look()) this.steerer?.setServices(this.services?.value ?? []);
    if (await this.hosts?.look()) this.steerer?.setHosts(this.hosts?.value);
    await this.writeStatus();
  }

  status(): object {
    const { self, own } = this.config;
    const work = this.steerer?.status() ?? { self, voters: this.voters };
    return { ...work, active: this.steerer !== undefined, ...(own && { address: own.activeAddress }) };
  }

  end(): void {
    if (this.stop) this.note("lays the work down");
    this.stop?.();
    this.stop = undefined;
    this.steerer = undefined;
  }

  private begin(): void {
    const { config, files, note, clock } = this;
    const end = new AbortController();
    const peers = openPeers(
      peersOf(config, this.voters),
      files.tls,
      (from, words) => steerer.hear(from, words),
      note,
    );
    const steerer: Steerer = new Steerer({
      self: config.self,
      domain: config.domain,
      voters: this.voters,
      places: config.sites.flatMap(({ name, external }) =>
        external.map((address) => ({ address, site: name })),
      ),
      siteDomains: Object.fromEntries(config.sites.map(({ name, domain }) => [name, domain])),
      ...(config.own && { ingress: config.own.ingress }),
      servers: serversOf(config, files.secret),
      intervalMs: config.probe.intervalMs ?? PROBE.intervalMs,
      probe: ({ at: address, name, service }) => {
        const { port, timeoutMs } = { ...PROBE, ...config.probe };
        const { sites, services } = files.probes;
        return service === undefined
          ? probeSite({ address, port, name, timeoutMs, authorities: sites })
          : probeService({ address, port, name, timeoutMs, authorities: services });
      },
      signer: files.signer,
      send: (words) => peers.send(words),
      note,
      clock,
    });
    note(config.own ? `holds ${config.own.activeAddress}: takes the work up` : "takes the work up");
    steerer.setServices(this.services?.value ?? []);
    steerer.setHosts(this.hosts?.value);
    void steerer.run(end.signal);
    this.steerer = steerer;
    this.stop = () => {
      end.abort();
      peers.close();
    };
  }

  private servicesFile(path: string): WatchedFile<readonly Service[]> {
    const { domain, sites } = this.config;
    const siteDomains = sites.map((site) => site.domain);
    const parse = (text: string): readonly Service[] => {
      const hosts = parseServices(text, path).flatMap((service) =>
        service.hosts.map((host) => ({ host, ...(service.sites && { sites: service.sites }) })),
      );
      const list = hosts.filter(({ host }) => isServiceHost(host, domain, siteDomains));
      for (const { host } of hosts.filter((one) => !list.includes(one)))
        this.note(`${host} is no name that a service can have here; it is passed over`);
      return list;
    };
    return new WatchedFile({ path, parse, absent: [], note: this.note });
  }

  private async writeStatus(): Promise<void> {
    const path = this.config.at(this.config.status);
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(`${path}.new`, `${JSON.stringify(this.status())}\n`, { mode: 0o644 });
      await rename(`${path}.new`, path);
    } catch (error) {
      const complaint = `its state can't be written: ${(error as Error).message}`;
      if (complaint !== this.complaint) this.note(complaint);
      this.complaint = complaint;
    }
  }
}

function peersOf({ self, sites, witness, listen }: LoadedConfig, voters: readonly string[]): readonly Peer[] {
  const port = listen?.port ?? STEERING_PORT;
  const all = [
    ...sites.map(({ name, external }) => ({ name, addresses: external, port })),
    ...(witness ? [{ name: witness.name, addresses: [witness.address], port }] : []),
  ];
  return all.filter(({ name }) => name !== self && voters.includes(name));
}

function serversOf({ own, domain }: LoadedConfig, secret: Buffer) {
  return (own?.servers ?? []).map((server) =>
    openNameServer({
      ...server,
      zone: domain,
      key: { name: own?.tsig.name ?? "", secret },
      timeoutMs: SERVER_MS,
    }),
  );
}

async function readFiles(config: LoadedConfig): Promise<Files> {
  const { tls, own, probe, at } = config;
  const read = async (path: string): Promise<string> => {
    try {
      return await readFile(at(path), "utf8");
    } catch (cause) {
      throw keyFile(at(path), (cause as NodeJS.ErrnoException).code ?? "unreadable", cause);
    }
  };
  const [authority, certificate, key] = await Promise.all(
    [tls.authority, tls.certificate, tls.key].map(read),
  );
  const texts = { authority: authority ?? "", certificate: certificate ?? "", key: key ?? "" };
  const secret = Buffer.from(own ? await read(own.tsig.secretFile) : "", "base64");
  const probes = trusted(await read(probe.authority), probe.publicAuthorities);
  try {
    const signer = openSigner(texts.authority, texts.certificate, texts.key);
    return { tls: texts, signer, secret, probes };
  } catch (cause) {
    throw keyFile(at(tls.certificate), "no certificate with its key and authority", cause);
  }
}

function keyFile(path: string, why: string, cause: unknown): Error {
  return worldFailed(
    "NAMES_KEY_FILE",
    `${path}, which steering needs, can't be used (${why})`,
    "Bring the machine's files to it again: panopticon lab up.",
    cause,
  );
}
