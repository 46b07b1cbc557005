/** When something was written: by which crowning's hub, and at which of its revisions. */

export interface Version {
  readonly epoch: number;
  /** Decimal, compared as numbers of any size (Kubernetes: "Resource Version Semantics"). */
  readonly resourceVersion: string;
}

/** Below 0 where left is older, 0 where equal, above 0 where left is newer. */
export function compareVersions(left: Version, right: Version): number {
  if (left.epoch !== right.epoch) return left.epoch - right.epoch;
  return compareRevisions(left.resourceVersion, right.resourceVersion);
}

/** As `compareVersions`, within one epoch. */
export function compareRevisions(left: string, right: string): number {
  const [a, b] = [left.replace(/^0+(?=.)/, ""), right.replace(/^0+(?=.)/, "")];
  if (a.length !== b.length) return a.length - b.length;
  return a === b ? 0 : a < b ? -1 : 1;
}

/** A version in one word; `readVersion` reads it. */
export function versionText({ epoch, resourceVersion }: Version): string {
  return `${epoch}-${resourceVersion}`;
}

/** Undefined where the text is no version. */
export function readVersion(text: string): Version | undefined {
  const [, epoch, resourceVersion] = /^([0-9]+)-([0-9]+)$/.exec(text) ?? [];
  return epoch === undefined || resourceVersion === undefined
    ? undefined
    : { epoch: Number(epoch), resourceVersion };
}
