/** Faults in one etcd member's storage: its disk runs full, one byte of its database changes while it is stopped. */
import { worldFailed } from "#base/errors.ts";
import { HELD_FOLDER, rebuildMember, startMember, stopMember } from "#converge/etcd.ts";
import { apiServerReady } from "#converge/kubeadm.ts";
import { existing, must, running } from "#converge/remote.ts";
import { waitFor } from "#converge/wait.ts";
import { type MachinePlan, machinesOf, type SitePlan } from "#plan/plan.ts";
import type { DrillSite, Fault } from "./fault.ts";

const DATA = "/var/lib/etcd";
const ASIDE = "/run/panopticon-drill-etcd";
/** Stands while the data directory on the machine's own disk is older than what the member has promised. */
const ON_SMALL_DISK = `${HELD_FOLDER}/on-small-disk`;
const CORRUPTED = `${HELD_FOLDER}/corrupted`;
const READY_SECONDS = 90;

/**
 * Fills the disk of one member. The member is first moved to a small disk (in
 * memory) with all its data: the machine's own must not be filled, since in the
 * lab it is shared with everybody.
 */
export function fillDisk(site: SitePlan, machine: MachinePlan): Fault {
  return {
    id: `fill:etcd/${machine.name}`,
    site: site.name,
    says: `fill the disk of etcd on ${machine.name}`,
    loses: [`etcd:${machine.name}`],
    prepare: async ({ context }) => {
      await stopMember(context, machine.name);
      await must(context, machine.name, ["sh", "-c", TO_SMALL_DISK], 120);
      await startMember(context, machine.name);
      await waitFor(`the API server of ${machine.name}`, READY_SECONDS, async () =>
        (await apiServerReady(context, machine.name)) ? true : undefined,
      );
    },
    make: async ({ context }) => {
      await must(context, machine.name, ["sh", "-c", FILL], 60);
    },
    undo: async (ground) => {
      const { context } = ground;
      const marks = await existing(context, machine.name, [ON_SMALL_DISK]);
      if (marks.size > 0) {
        await stopMember(context, machine.name);
        const { code } = await context.shell.run(machine.name, ["sh", "-c", FROM_SMALL_DISK], {
          timeoutSeconds: 120,
        });
        // The small disk went with a power cut: what is left is older than the member's votes.
        if (code !== 0) await rebuildMember(context, machine, await peerOf(ground, machine));
        await must(context, machine.name, ["rm", "-f", ON_SMALL_DISK]);
      }
      await must(context, machine.name, ["sh", "-c", `if mountpoint -q ${ASIDE}; then umount ${ASIDE}; fi`]);
      await startMember(context, machine.name);
    },
  };
}

const TO_SMALL_DISK = `set -e
mkdir -p ${ASIDE}
size=$(( $(du -sm ${DATA} | cut -f1) + 32 ))
mount -t tmpfs -o "size=\${size}m,mode=700" panopticon-drill ${ASIDE}
cp -a ${DATA}/. ${ASIDE}/
touch ${ON_SMALL_DISK}
mount --bind ${ASIDE} ${DATA}
umount ${ASIDE}`;

const FILL = `dd if=/dev/zero of=${DATA}/panopticon-drill-fill bs=64k 2>/dev/null
[ "$(df --output=avail ${DATA} | tail -1)" -eq 0 ]`;

/** Fails where the small disk is not there any more. */
const FROM_SMALL_DISK = `set -e
mkdir -p ${ASIDE}
if mountpoint -q ${DATA}; then
  mountpoint -q ${ASIDE} || mount --bind ${DATA} ${ASIDE}
  umount ${DATA}
fi
mountpoint -q ${ASIDE}
rm -f ${ASIDE}/panopticon-drill-fill
rm -rf ${DATA}/member
cp -a ${ASIDE}/. ${DATA}/
sync -f ${DATA}`;

/** Stops a member, changes one byte of what its database holds, and starts it again. */
export function corruptDatabase(site: SitePlan, machine: MachinePlan): Fault {
  return {
    id: `corrupt:etcd/${machine.name}`,
    site: site.name,
    says: `change one byte in the stopped database of etcd on ${machine.name}`,
    loses: [`etcd:${machine.name}`],
    make: async ({ context }) => {
      await stopMember(context, machine.name);
      await must(context, machine.name, ["touch", CORRUPTED]);
      const { code, stdout } = await context.shell.run(machine.name, ["sh", "-c", FLIP], {
        timeoutSeconds: 120,
      });
      if (code !== 0) {
        throw worldFailed(
          "DRILL_NOT_MADE",
          `no byte of etcd's database on ${machine.name} could be changed: ${stdout.trim()}`,
        );
      }
      await startMember(context, machine.name);
    },
    undo: async (ground) => {
      const { context } = ground;
      if ((await existing(context, machine.name, [CORRUPTED])).size > 0) {
        await rebuildMember(context, machine, await peerOf(ground, machine));
        await must(context, machine.name, ["rm", "-f", CORRUPTED]);
      }
      await startMember(context, machine.name);
    },
  };
}

/**
 * Changes one letter of a key that Kubernetes never touches again, in the copy
 * that counts: pages that bbolt has freed hold old ones. Whether it was that one
 * is seen by the hash over the database's content.
 */
const FLIP = `db=${DATA}/member/snap/db
before=$(etcdutl snapshot status "$db" --write-out=json) || exit 1
for at in $(grep -abo -F /registry/namespaces/kube-node-lease "$db" | cut -d: -f1 | tac); do
  at=$((at + 11))
  printf X | dd of="$db" bs=1 seek="$at" conv=notrunc 2>/dev/null
  [ "$(etcdutl snapshot status "$db" --write-out=json)" != "$before" ] && exit 0
  printf a | dd of="$db" bs=1 seek="$at" conv=notrunc 2>/dev/null
done
echo "no occurrence of the key counts; $before"
exit 1`;

/** Another control plane whose API server, and with it its member, is ready. */
async function peerOf({ context }: DrillSite, machine: MachinePlan): Promise<string> {
  return await waitFor("a peer from which etcd can be rebuilt", READY_SECONDS, async () => {
    const up = await running(context);
    for (const { name } of machinesOf(context.site, "controlplane")) {
      if (name !== machine.name && up.has(name) && (await apiServerReady(context, name))) return name;
    }
    return undefined;
  });
}
