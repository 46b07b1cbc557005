/** Whether a server is dead: nobody may take a living one's machines out of a cluster. */
import { PanopticonError } from "#base/errors.ts";
import type { SiteContext } from "#converge/phase.ts";
import { running } from "#converge/remote.ts";
import type { MachinePlan } from "#plan/plan.ts";
import type { Replacement } from "#plan/replacement.ts";

/** Something that a dead server would not do. */
export interface Sign {
  /** In words: "attic-cp-2 answers at 10.1.0.22, port 22". */
  readonly says: string;
  /** It can be nobody else: a machine that runs by its ground's word, or that shows its own key. */
  readonly sure: boolean;
}

/** Whether anything at this address takes a connection, or refuses one. */
export type Reaches = (address: string, port: number) => Promise<boolean>;

const SSH_PORT = 22;
/** SSH, etcd's peers, the kubelet. */
const PORTS: readonly number[] = [SSH_PORT, 2380, 10250];
/** So many of the others are asked, since a cut between this box and the server is no death. */
const MOST_ASKED = 4;

/** Everything that speaks against the death of the server that these machines stood on. */
export async function signsOfLife(
  context: SiteContext,
  machines: readonly MachinePlan[],
  reaches: Reaches,
): Promise<readonly Sign[]> {
  const up = await running(context);
  const names = new Set(machines.map(({ name }) => name));
  const others = context.site.machines.filter(({ name }) => up.has(name) && !names.has(name));
  const [own, here, there] = await Promise.all([
    Promise.all(machines.map((machine) => ownKey(context, machine))),
    Promise.all(machines.map((machine) => heardHere(machine, reaches))),
    Promise.all(others.slice(0, MOST_ASKED).map(({ name }) => heardBy(context, name, machines))),
  ]);
  return [
    ...machines.filter(({ name }) => up.has(name)).map(({ name }) => sure(`${name} runs`)),
    ...own.flat(),
    ...here.flat(),
    ...there.flat(),
  ];
}

/** A server that is replaced by another one answers to nobody either. */
export async function serverAnswers(
  server: string,
  address: string | undefined,
  reaches: Reaches,
): Promise<readonly Sign[]> {
  if (address === undefined || !(await reaches(address, SSH_PORT))) return [];
  return [{ says: `the server ${server} answers at ${address}`, sure: false }];
}

/**
 * SERVER_REPLACE_LIVES (exit 2) where anything answers. What a person's word can
 * outweigh is an address that answers: somebody else may have it by now.
 */
export function demandDeath(
  { site, old }: Replacement,
  signs: readonly Sign[],
  { switchedOff }: { readonly switchedOff: boolean },
): void {
  const against = switchedOff ? signs.filter((sign) => sign.sure) : signs;
  if (against.length === 0) return;
  const known = against.some((sign) => sign.sure);
  throw new PanopticonError(
    [
      {
        code: "SERVER_REPLACE_LIVES",
        subject: `${site}/${old}`,
        message: `${old} of ${site} is not dead: ${against.map(({ says }) => says).join("; ")}.`,
        hint: known
          ? "A living member that is taken out of etcd does harm: cut the server's power for good first."
          : "Cut the server's power for good. If it is off and something else has its address, add --switched-off.",
      },
    ],
    2,
  );
}

function sure(says: string): Sign {
  return { says, sure: true };
}

async function ownKey({ shell }: SiteContext, { name, address }: MachinePlan): Promise<readonly Sign[]> {
  try {
    const { code } = await shell.run(name, ["true"], { timeoutSeconds: 10 });
    return code === 0 ? [sure(`${name} answers at ${address} and shows its own key`)] : [];
  } catch (error) {
    if (error instanceof PanopticonError) return [];
    throw error;
  }
}

async function heardHere({ name, address }: MachinePlan, reaches: Reaches): Promise<readonly Sign[]> {
  const heard = await Promise.all(PORTS.map((port) => reaches(address, port)));
  return PORTS.filter((_port, index) => heard[index]).map((port) => ({
    says: `${name} answers at ${address}, port ${port}`,
    sure: false,
  }));
}

/** Fixed text: prints each ADDRESS:PORT of its arguments where somebody answers, be it with a refusal. */
const LISTEN = `export LC_ALL=C
for pair in "$@"; do
  (
    if said=$(timeout 2 bash -c ': < "/dev/tcp/\${0%:*}/\${0##*:}"' "$pair" 2>&1); then echo "$pair"
    else case $said in *refused*) echo "$pair" ;; esac
    fi
  ) &
done
wait`;

/** What another machine of the site hears; one that can't be asked says nothing. */
async function heardBy(
  { shell }: SiteContext,
  by: string,
  machines: readonly MachinePlan[],
): Promise<readonly Sign[]> {
  const pairs = machines.flatMap(({ address }) => PORTS.map((port) => `${address}:${port}`));
  try {
    const argv = ["sh", "-c", LISTEN, "sh", ...pairs];
    const { stdout } = await shell.run(by, argv, { timeoutSeconds: 30 });
    const heard = new Set(stdout.split("\n").map((line) => line.split(":")[0]));
    return machines
      .filter(({ address }) => heard.has(address))
      .map(({ name, address }) => ({ says: `${by} hears ${name} at ${address}`, sure: false }));
  } catch (error) {
    if (error instanceof PanopticonError) return [];
    throw error;
  }
}
