/** Names that the federation's resources are known by: kubefed's, so that what speaks to it speaks to us, and ours. */

/** Groups of kubefed v0.10. */
export const CORE_GROUP = "core.kubefed.io";
export const TYPES_GROUP = "types.kubefed.io";
export const SCHEDULING_GROUP = "scheduling.kubefed.io";

/** Ours: below the domain that the project uses as its name everywhere, so it can't meet anybody else's group. */
export const FEDERATION_GROUP = "federation.panopticon.dev";

/** Where kubefed and kubefedctl keep clusters, type configs and their secrets by default. */
export const SYSTEM_NAMESPACE = "kube-federation-system";

/** On every object that the federation keeps at a site; `"false"` at a site means: hands off. */
export const MANAGED_LABEL = "kubefed.io/managed";
/** On a federated resource: what it made at the sites outlives it. */
export const ORPHAN_ANNOTATION = "kubefed.io/orphan";
/** On a federated resource: DeleteOptions as JSON, used for its copies at the sites. */
export const DELETE_OPTION_ANNOTATION = "kubefed.io/deleteoption";

/** The one Crown object of a site. */
export const CROWN_NAME = "crown";

/** On every object that the federation keeps at a site: digest of the template and overrides it was applied from. */
export const APPLIED_ANNOTATION = `${FEDERATION_GROUP}/applied`;

/** On mirrors of what was deleted, so that sites can follow those alone. */
export const TOMBSTONE_LABEL = `${FEDERATION_GROUP}/tombstone`;

/** On a site's Lease at the hub: what has become of its copies, now that it leaves. */
export const FAREWELL_ANNOTATION = `${FEDERATION_GROUP}/farewell`;

/** On a site's Lease at the hub: up to where it has carried out the tombstones there, `EPOCH-REVISION`. */
export const BURIED_ANNOTATION = `${FEDERATION_GROUP}/buried`;

/** On the service account that stands for another site's agent: that site's name. */
export const SITE_LABEL = `${FEDERATION_GROUP}/site`;
