/** Every finding's code with its meaning; docs/proof.md lists them. Codes never change their meaning. */
export const FINDING_CODES = {
  PROVE_BACKUPS_IN_ONE_PLACE: "Every copy of the backups is lost with one site.",
  PROVE_CROWN_ALONE: "No other site could take the crown over.",
  PROVE_ETCD_NEEDS_THIRD: "One server carries so many control planes that etcd has no majority without it.",
  PROVE_NO_BACKUP: "The file names no copy of the backups.",
  PROVE_NO_WORKER: "A site has no worker, so that no service can run there.",
  PROVE_ONE_BACKUP: "There is one copy of the backups.",
  PROVE_ONE_COMPONENT: "One component that nothing stands in for.",
  PROVE_ONE_CONTROLLER: "Too much hangs on one disk controller.",
  PROVE_ONE_FEED: "Too much hangs on one power feed.",
  PROVE_ONE_LINE: "A site has one internet line.",
  PROVE_ONE_NAME_SERVER: "There is one name server in the whole federation.",
  PROVE_ONE_ROUTER: "A site has one router.",
  PROVE_ONE_SERVER: "A site's promise hangs on one server.",
  PROVE_ONE_SITE: "There is one site: what happens to the place happens to all.",
  PROVE_ONE_SWITCH: "Too much hangs on one network switch.",
  PROVE_REPLICAS_SHARE_SERVER: "More replicas of a volume than servers to keep them on.",
  PROVE_TWO_SITES: "With two sites neither is a majority when they lose sight of each other.",
  PROVE_UNNAMED: "Power feeds or switches that the file does not name are not in the proof.",
  PROVE_WITNESS: "A witness that has no vote, or one on which names hang when a site is lost.",
} as const;

export type FindingCode = keyof typeof FINDING_CODES;

/** Codes of findings about one component; the others are about what the file leaves out. */
export type SingleCode = Exclude<
  FindingCode,
  | "PROVE_CROWN_ALONE"
  | "PROVE_NO_BACKUP"
  | "PROVE_NO_WORKER"
  | "PROVE_ONE_NAME_SERVER"
  | "PROVE_REPLICAS_SHARE_SERVER"
  | "PROVE_TWO_SITES"
  | "PROVE_UNNAMED"
  | "PROVE_WITNESS"
>;
