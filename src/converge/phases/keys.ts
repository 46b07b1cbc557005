import type { Phase } from "../phase.ts";

export const keys: Phase = {
  name: "keys",
  title: "Keys",
  concurrency: 1,
  changes: async ({ keyring, site }) => {
    const lacks = await keyring.lacks();
    if (lacks.length === 0) return [];
    return [{ subject: site.name, what: `make ${lacks.join(", ")}`, apply: () => keyring.ensure() }];
  },
};
