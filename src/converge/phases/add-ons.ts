import type { Phase } from "../phase.ts";
import { stepsLeft } from "../steps-left.ts";

/** Without it no kubelet gets the certificate that it serves with: none would answer the API. */
export const ecamRights: Phase = {
  name: "ecam-rights",
  title: "Rights of the ECAMs",
  concurrency: 1,
  changes: (context) => stepsLeft(context, context.addOns?.rights ?? []),
};

/** MetalLB: addresses of the site's ingress range, announced in its LAN. */
export const loadBalancer: Phase = {
  name: "load-balancer",
  title: "Load balancer",
  concurrency: 1,
  changes: (context) => stepsLeft(context, context.addOns?.loadBalancer ?? []),
};

/** Traefik: from a name to a service. */
export const ingress: Phase = {
  name: "ingress",
  title: "Ingress",
  concurrency: 1,
  changes: (context) => stepsLeft(context, context.addOns?.ingress ?? []),
};

/** metrics-server: what nodes and pods use. */
export const metrics: Phase = {
  name: "metrics",
  title: "Metrics",
  concurrency: 1,
  changes: (context) => stepsLeft(context, context.addOns?.metrics ?? []),
};

/** A lab's folders as volumes. */
export const volumes: Phase = {
  name: "volumes",
  title: "Volumes",
  concurrency: 1,
  changes: (context) => stepsLeft(context, context.addOns?.volumes ?? []),
};
