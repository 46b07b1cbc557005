/** Traefik and the definitions of what it reads, from the component store. */
import { join } from "node:path";
import { componentFolder, planeObstacle } from "../kube/programs.ts";

/** Why no front door can be opened here, in words; undefined where it can. */
export function frontObstacle(): Promise<string | undefined> {
  return planeObstacle("traefik");
}

export async function frontProgram(): Promise<string> {
  return join(await componentFolder("traefik"), "traefik");
}

/** The folder of the custom resource definitions. */
export function frontDefinitions(): Promise<string> {
  return componentFolder("traefik");
}
