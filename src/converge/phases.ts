/** The bring-up of a site, in order. This list is the architecture of convergence. */
import type { Phases } from "./phase.ts";
import { ecamRights, ingress, loadBalancer, metrics, volumes } from "./phases/add-ons.ts";
import { agentImage } from "./phases/agent-image.ts";
import { clusterDns } from "./phases/cluster-dns.ts";
import { clusterServices } from "./phases/cluster-services.ts";
import { controlPlanes } from "./phases/control-planes.ts";
import { ecams } from "./phases/ecams.ts";
import { federation, membership } from "./phases/federation.ts";
import { files } from "./phases/files.ts";
import { firstControlPlane } from "./phases/first-control-plane.ts";
import { ground } from "./phases/ground.ts";
import { kept } from "./phases/kept.ts";
import { keys } from "./phases/keys.ts";
import { machines } from "./phases/machines.ts";
import { names } from "./phases/names.ts";
import { network } from "./phases/network.ts";
import { nodeImages, nodePrograms } from "./phases/node-software.ts";
import { settings } from "./phases/settings.ts";
import { steering } from "./phases/steering.ts";
import { workers } from "./phases/workers.ts";

export const PHASES: Phases = [
  keys, // certificate authorities and SSH keys, made here before anything trusts them
  ground, // the site's networks and what the hypervisor needs
  machines, // every machine running and answering
  settings, // memory, processors and disks as planned, one restart at a time
  nodePrograms, // Kubernetes and containerd on machines that came without
  files, // every rendered file in place, what reads it restarted
  ecams, // HAProxy and Keepalived up, the VIP held by exactly one
  [
    names, // every name server answers for the domain
    steering, // our program on the ECAMs, by which names follow what works
  ],
  nodeImages, // likewise, as they reach no registry
  firstControlPlane, // kubeadm init, once in a cluster's life
  [
    clusterDns, // CoreDNS told to spread before its second replica finds a place
    ecamRights, // whoever holds the VIP may approve the certificates that kubelets serve with
  ],
  // side by side, since both need only the first control plane
  [
    controlPlanes, // the others, one at a time: etcd takes one learner
    workers, // all at once
  ],
  [
    network, // every node Ready, pods of all nodes reachable
    agentImage, // on every node, from here: they reach no registry
  ],
  [
    clusterServices, // CoreDNS and kube-proxy answer everywhere
    loadBalancer, // MetalLB, with the site's ingress range
    ingress, // Traefik, reached at the first address of it
    volumes, // in a lab, folders of its workers
    metrics, // metrics-server, which kubelets' certificates are approved for
  ],
  kept, // on every control plane: what is needed where this machine is lost
  federation, // its resources, rights and fence, the crown where the file has it, two agents
  membership, // the agents run, the hub hears them, types are federated
];
