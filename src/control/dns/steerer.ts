/**
 * One voter at work: it probes, says what it sees, hears the others and, at a
 * site, decides and has the site's name servers changed. Everything that only
 * time brings about is looked at each second; what changes is acted on at once.
 */
import type { NameServer, RecordSet } from "#ports/names.ts";
import { type Clock, pause } from "../runtime/clock.ts";
import { servedBefore } from "./before.ts";
import { Hosts, isServiceHost } from "./hosts.ts";
import { type Probe, Prober, type Target } from "./prober.ts";
import { sameValues, wantedRecords } from "./records.ts";
import { type Decision, decide, type Place, type Served } from "./steering.ts";
import type { Signer } from "./signature.ts";
import { siteTargets, type Service, serviceTargets } from "./targets.ts";
import { type Said, type Word, Words } from "./words.ts";
import { Writer } from "./writer.ts";

export interface SteererOptions {
  readonly self: string;
  readonly domain: string;
  readonly voters: readonly string[];
  readonly places: readonly Place[];
  /** Where names begin that a site's own are below; by site. */
  readonly siteDomains: Readonly<Record<string, string>>;
  /** Of our own site, seen from inside; missing at the witness. */
  readonly ingress?: string;
  /** None at the witness. */
  readonly servers: readonly NameServer[];
  readonly intervalMs: number;
  readonly probe: Probe;
  readonly signer: Signer;
  /** Sends our words and those we know to everybody else; their answers come by `hear`. */
  readonly send: (words: readonly Word[]) => void;
  readonly note: (what: string) => void;
  readonly clock: Clock;
}

const TICK_MS = 1000;

export class Steerer {
  private readonly options: SteererOptions;
  private readonly words: Words;
  private readonly prober: Prober;
  private readonly writers: readonly Writer[];
  private services: readonly Service[] = [];
  /** Those that a person has listed. */
  private listed: readonly Service[] = [];
  private readonly hosts: Hosts;
  private records: readonly RecordSet[] | undefined;
  private readonly served = new Map<string, Served>();
  private decisions: ReadonlyMap<string, Decision> = new Map();
  private wanted: readonly RecordSet[] = [];
  private soon = false;
  private remembering = false;

  constructor(options: SteererOptions) {
    const { self, voters, signer, note, servers, places, domain, siteDomains } = options;
    this.options = options;
    this.hosts = new Hosts(
      places.map(({ site }) => site),
      (host) => isServiceHost(host, domain, Object.values(siteDomains)),
    );
    this.words = new Words(self, voters, (word) => signer.genuine(word));
    this.writers = servers.map((server) => new Writer(server, note));
    this.prober = new Prober({
      probe: options.probe,
      intervalMs: options.intervalMs,
      clock: options.clock,
      changed: (target, verdict) => {
        note(`sees ${target.key} ${verdict.up ? "up" : "down"}: ${verdict.found}`);
        this.act();
      },
    });
  }

  /** Works until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.options;
    this.watch();
    while (!signal.aborted) {
      this.turn();
      await pause(clock, TICK_MS, signal);
    }
    this.prober.stop();
  }

  /** What a person says that runs where, whatever sites say of themselves. */
  setServices(services: readonly Service[]): void {
    this.listed = services;
    this.gather();
  }

  /** The host names that our own site has; undefined while nobody knows. */
  setHosts(hosts: readonly string[] | undefined): void {
    if (!this.hosts.set(this.options.self, hosts)) return;
    this.gather();
    this.act();
  }

  private gather(): void {
    const services = this.hosts.services(this.listed);
    this.services = services;
    for (const name of this.served.keys())
      if (name !== this.options.domain && !services.some(({ host }) => host === name))
        this.served.delete(name);
    this.watch();
  }

  /** Words from a voter; ours, and those we know, in return. */
  hear(from: string, words: readonly Word[]): readonly Word[] {
    if (this.words.hear(from, words, this.options.clock.now())) {
      const reports = this.words.reports(this.options.clock.now());
      if (this.hosts.learn(this.options.self, reports)) this.gather();
      this.act();
    }
    return this.words.all(this.options.clock.now());
  }

  /** For people: who sees what, and why an address is in or out. */
  status(): object {
    const { self, voters, clock } = this.options;
    const nowMs = clock.now();
    return {
      self,
      voters,
      heard: this.words.heard(nowMs),
      sees: this.prober.targets().map((target) => ({ ...target, ...this.prober.verdictOf(target) })),
      words: this.words.reports(nowMs),
      names: Object.fromEntries(
        [...this.decisions].map(([name, { frozen, needed, rulings, served }]) => [
          name,
          { frozen, needed, answer: served.answer, rulings },
        ]),
      ),
      servers: this.writers.map(({ server, trouble }) => ({
        name: server.name,
        ...(trouble && { trouble }),
      })),
    };
  }

  private watch(): void {
    const { places, self, siteDomains, ingress } = this.options;
    const own = ingress === undefined ? undefined : { site: self, ingress };
    this.prober.watch([
      ...siteTargets(places, siteDomains, own),
      ...serviceTargets(places, this.services, own),
    ]);
  }

  /** Soon, once for all that happens at the same time. */
  private act(): void {
    if (this.soon) return;
    this.soon = true;
    this.options.clock.after(0, () => {
      this.soon = false;
      this.turn();
    });
  }

  private turn(): void {
    const { clock, send, servers } = this.options;
    this.speak();
    send(this.words.all(clock.now()));
    if (servers.length === 0) return;
    if (this.records) this.decideAll(this.records);
    else void this.remember();
  }

  private speak(): void {
    const { self, clock, signer } = this.options;
    const nowMs = clock.now();
    const hosts = this.hosts.of(self);
    const failing = this.prober.targets().filter((target) => !this.prober.verdictOf(target).up);
    const down = failing.filter(({ service }) => service === undefined).flatMap(({ addresses }) => addresses);
    const said: Said = {
      voter: self,
      sequence: this.words.nextSequence(clock.wall().getTime()),
      hears: this.words.heard(nowMs).toSorted(),
      down: down.toSorted(),
      downServices: downServices(failing),
      ...(hosts && { hosts }),
    };
    this.words.say(signer.sign(said), nowMs);
  }

  /** The first of the site's name servers that answers knows what was decided before us. */
  private async remember(): Promise<void> {
    if (this.remembering) return;
    this.remembering = true;
    try {
      this.records = await Promise.any(this.options.servers.map((server) => server.records()));
    } catch {
      this.options.note("none of the site's name servers answers; nothing is decided before one does");
    } finally {
      this.remembering = false;
    }
  }

  private decideAll(records: readonly RecordSet[]): void {
    const { domain, places, voters, self, clock } = this.options;
    const nowMs = clock.now();
    const reports = this.words.reports(nowMs);
    const one = (name: string, at: readonly Place[], service?: string): Decision => {
      const before = this.served.get(name) ?? servedBefore(records, name, at, nowMs);
      const decision = decide({
        self,
        voters,
        reports,
        // A site's lines fail one by one: it is them that are voted on.
        places: at.map(({ address }) => ({ address, site: address })),
        before,
        nowMs,
        ...(service !== undefined && { service }),
      });
      this.served.set(name, decision.served);
      return decision;
    };
    const decisions = new Map([[domain, one(domain, places)]]);
    for (const { host, sites } of this.services) {
      const at = places.filter(({ site }) => !sites || sites.includes(site));
      if (at.length > 0) decisions.set(host, one(host, at, host));
    }
    this.tell(decisions);
    this.decisions = decisions;
    this.write();
  }

  private write(): void {
    const { domain } = this.options;
    const answers = new Map([...this.decisions].map(([name, { served }]) => [name, served.answer]));
    const all = answers.get(domain) ?? [];
    answers.delete(domain);
    const wanted = wantedRecords(domain, all, answers);
    const same =
      wanted.length === this.wanted.length &&
      wanted.every(({ name, values }, index) => {
        const known = this.wanted[index];
        return known?.name === name && sameValues(known.values, values);
      });
    // The same object, so that a writer sees at once that nothing is new.
    if (!same) this.wanted = wanted;
    for (const writer of this.writers) writer.want(this.wanted);
  }

  /** One line for each change of an answer, and when deciding ends or begins. */
  private tell(decisions: ReadonlyMap<string, Decision>): void {
    for (const [name, decision] of decisions) {
      const before = this.decisions.get(name);
      const { answer } = decision.served;
      if (name === this.options.domain && decision.frozen !== (before?.frozen ?? false))
        this.options.note(
          decision.frozen
            ? `frozen: fewer than ${decision.needed} of ${this.options.voters.length} voters are heard`
            : "decides again",
        );
      if (before && sameValues(before.served.answer, answer)) continue;
      const why = decision.rulings.map(({ address, reason }) => `${address} ${reason.why}`).join(", ");
      this.options.note(`${name} is ${answer.join(", ")} (${why})`);
    }
  }
}

function downServices(failing: readonly Target[]): Readonly<Record<string, readonly string[]>> {
  const services: Record<string, string[]> = {};
  for (const { service, addresses } of failing)
    if (service !== undefined) (services[service] ??= []).push(...addresses);
  return services;
}
