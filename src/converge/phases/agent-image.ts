import { type MachinePlan, machinesOf } from "#plan/plan.ts";
import type { AgentImage, LocalImage } from "../federation.ts";
import type { Phase, SiteContext } from "../phase.ts";
import { must, running } from "../remote.ts";

/** An image with its runtime is some 140 MB over the LAN; the usual one is 2. */
const IMPORT_SECONDS = 300;
const CTR = ["ctr", "--namespace", "k8s.io", "images"];

/** Every node has it, because any of them may have to run the agent the moment another dies. */
export const agentImage: Phase = {
  name: "agent-image",
  title: "Agent image",
  concurrency: 4,
  changes: async (context) => {
    const { federation, site } = context;
    if (!federation) return [];
    const up = await running(context);
    const nodes = [...machinesOf(site, "controlplane"), ...machinesOf(site, "worker")];
    const lacking = await Promise.all(
      nodes.map(async (node) => {
        const names = up.has(node.name) ? await imagesOf(context, node) : new Set<string>();
        return names.has(federation.image?.name ?? "") ? [] : [node];
      }),
    );
    return lacking.flat().map((node) => ({
      subject: node.name,
      what: "import the agent's image",
      apply: () => bring(context, node, federation.image),
    }));
  },
};

/** None where the machine's containerd does not answer yet. */
async function imagesOf(context: SiteContext, { name }: MachinePlan): Promise<ReadonlySet<string>> {
  const { code, stdout } = await context.shell.run(name, [...CTR, "list", "--quiet"]);
  return new Set(code === 0 ? stdout.split("\n").filter(Boolean) : []);
}

/** Its runtime is there from the machine's first day, unless that is of another one. */
async function bring(context: SiteContext, node: MachinePlan, image: AgentImage | undefined): Promise<void> {
  if (!image) throw new RangeError("the agent's image was not made before it is brought to a node");
  const names = await imagesOf(context, node);
  if (!names.has(image.runtime.name)) await importOne(context, node, image.runtime);
  await importOne(context, node, image);
}

/** Pinned, because a node has nowhere to fetch it from again. */
async function importOne(
  context: SiteContext,
  { name }: MachinePlan,
  { archive }: LocalImage,
): Promise<void> {
  const argv = [...CTR, "import", "--label", "io.cri-containerd.pinned=pinned", "-"];
  await must(context, name, argv, IMPORT_SECONDS, { file: archive });
}
