/** What it costs to ask a service by its name at one site: Traefik asks itself once more. */
import { startBackend } from "../test/front/backend.ts";
import { openClient } from "../test/front/client.ts";
import { addedLatency } from "../test/front/latency.ts";
import { frontDefinitions, frontProgram } from "../test/front/programs.ts";
import { applyRoutes } from "../test/front/routes.ts";
import { applyDefinitions, openDoor } from "../test/front/traefik.ts";
import { startPlane } from "../test/kube/plane.ts";
import type { Figure } from "./figure.ts";

const REQUESTS = 2000;
const ASKERS = [1, 16];
const GOAL = "≤ 1 more";

/** Over TLS, on one box: the client and the backend share its processors with Traefik. */
export async function namesBench(): Promise<readonly Figure[]> {
  const backend = await startBackend();
  const plane = await startPlane({ controllers: false, durable: false });
  try {
    await applyDefinitions(plane, await frontDefinitions());
    await applyRoutes(plane.open(), "home.test", backend);
    const door = await openDoor(plane, "door", { program: await frontProgram() });
    const client = openClient(door.ports, door.authority);
    try {
      await answers(() => client.get("ingress.home.test"));
      const figures: Figure[] = [];
      for (const askers of ASKERS) figures.push(...(await figuresOf(client, askers)));
      return figures;
    } finally {
      await client.close();
      await door.process.kill();
    }
  } finally {
    await plane.remove();
    await backend.close();
  }
}

async function figuresOf(client: Parameters<typeof addedLatency>[0], askers: number): Promise<Figure[]> {
  const { direct, atSite } = await addedLatency(client, "ingress", REQUESTS / askers, askers);
  const who = askers === 1 ? "one client" : `${askers} clients`;
  return (["p50", "p99"] as const).map((share) => ({
    figure: `by its name at the site, ${who}, ${share}`,
    value: atSite[share],
    unit: "ms",
    goal: share === "p50" && askers === 1 ? GOAL : "",
    beside: { name: "by its name", value: direct[share] },
  }));
}

/** Until Traefik has read the routes and the certificate. */
async function answers(ask: () => Promise<{ readonly status: number }>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const status = await ask().then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("Traefik did not take the routes");
}
