/** What would remove a finding about one component, and what that costs. */
import type { Federation } from "#model/federation.ts";
import type { SingleCode } from "./finding-codes.ts";
import type { Component } from "./graph.ts";
import type { Remedy } from "./proof.ts";

/** `whatIf` are edits that `prove --what-if` takes; tests try that they remove the finding. */
export function remedyFor(code: SingleCode, { site, id }: Component, { sites }: Federation): Remedy {
  const others = sites.map(({ name }) => name).filter((name) => name !== site);
  switch (code) {
    case "PROVE_ETCD_NEEDS_THIRD":
      return {
        text: `a witness at ${site}: a small third box that carries one control plane and only votes`,
        price: "1 small server (2 CPUs, 6 GiB of memory)",
        whatIf: [`+witness ${site}/witness`],
      };
    case "PROVE_ONE_SERVER":
      return {
        text: `more servers at ${site}: two that do the work and one that votes`,
        price: "1 server and 1 small server",
        whatIf: [`+server ${site}/another`, `+witness ${site}/witness`],
      };
    case "PROVE_ONE_ROUTER":
      return others.length > 0
        ? bearable(
            `nothing at ${site}; ${others.join(", ")} ${others.length === 1 ? "goes" : "go"} on serving`,
          )
        : {
            text: "nothing at this site; a second site goes on serving while this one is cut off",
            price: "1 site",
            whatIf: ["+site another"],
          };
    case "PROVE_ONE_LINE":
      return {
        text: `a second internet line at ${site}${others.length > 0 ? `; until then ${others.join(", ")} can be reached` : ""}`,
        price: "1 line",
        whatIf: [`+line ${site}/second`],
      };
    case "PROVE_ONE_SITE":
      return { text: "a second site", price: "1 site", whatIf: ["+site another"] };
    case "PROVE_ONE_BACKUP":
    case "PROVE_BACKUPS_IN_ONE_PLACE":
      return { text: "another copy away from every site", price: "1 disk", whatIf: ["+backup safe"] };
    case "PROVE_ONE_SWITCH":
    case "PROVE_ONE_FEED":
      return {
        text: `connect what hangs on ${id} to a second one as well, or spread the servers over two`,
        price: code === "PROVE_ONE_SWITCH" ? "1 switch" : "1 feed",
        whatIf: [],
      };
    case "PROVE_ONE_CONTROLLER":
      return {
        text: "put the machines' disks on two controllers, or on two servers",
        price: "1 controller",
        whatIf: [],
      };
    case "PROVE_ONE_COMPONENT":
      return { text: "a second one of its kind", price: "1 of its kind", whatIf: [] };
  }
}

function bearable(text: string): Remedy {
  return { text, price: "nothing", whatIf: [] };
}
