/** Machines from bare images get what makes them nodes. They reach no registry: all of it goes from here. */
import { type MachinePlan, machinesOf } from "#plan/plan.ts";
import type { Change, Phase, SiteContext } from "../phase.ts";
import { existing, must, running } from "../remote.ts";
import type { SoftwarePart } from "../software.ts";

/** Half a GB, through a slow LAN, onto a slow disk. */
const BRING_SECONDS = 1800;

const PROGRAMS_MARK = "/usr/local/lib/panopticon/programs";
/** Beside the images, so that it goes where they go. */
const IMAGES_MARK = "/var/lib/containerd/panopticon";

export const nodePrograms: Phase = {
  name: "node-programs",
  title: "Programs of nodes",
  concurrency: 2,
  changes: (context) =>
    lacking(context, context.software?.programs, PROGRAMS_MARK, {
      what: "bring Kubernetes and containerd",
      script: UNPACK,
    }),
};

export const nodeImages: Phase = {
  name: "node-images",
  title: "Images on nodes",
  concurrency: 2,
  changes: (context) =>
    lacking(context, context.software?.images, IMAGES_MARK, {
      what: "import the images that nodes run",
      script: IMPORT,
    }),
};

interface Bringing {
  readonly what: string;
  /** Reads the archive from its standard input; $1 is the mark's folder, $2 its name. */
  readonly script: string;
}

/** A change for every node that does not have the part's mark. */
async function lacking(
  context: SiteContext,
  part: SoftwarePart | undefined,
  folder: string,
  { what, script }: Bringing,
): Promise<readonly Change[]> {
  if (!part) return [];
  const { site } = context;
  const up = await running(context);
  const nodes = [...machinesOf(site, "controlplane"), ...machinesOf(site, "worker")];
  const without = await Promise.all(
    nodes.map(async (node) => ((await has(context, node, up, `${folder}/${part.name}`)) ? [] : [node])),
  );
  return without.flat().map(({ name }) => ({
    subject: name,
    what,
    apply: async () => {
      if (part.archive === undefined) throw new RangeError(`${part.name} was not made`);
      const argv = ["sh", "-c", script, "sh", folder, part.name];
      await must(context, name, argv, BRING_SECONDS, { file: part.archive });
    },
  }));
}

async function has(
  context: SiteContext,
  { name }: MachinePlan,
  up: ReadonlySet<string>,
  mark: string,
): Promise<boolean> {
  return up.has(name) && (await existing(context, name, [mark])).has(mark);
}

/** The mark comes last, once all of it is on the disk. */
const MARK = `mkdir -p "$1"
sync
touch "$1/$2"`;

/** tar takes away a file before it writes the new one, so that a program that runs goes on. */
const UNPACK = `set -e
tar -x --no-same-owner -C /
${MARK}`;

const IMPORT = `set -e
ctr --namespace k8s.io images import --label io.cri-containerd.pinned=pinned -
${MARK}`;
