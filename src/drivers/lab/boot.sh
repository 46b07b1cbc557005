#!/bin/sh
# Turns this process into a lab machine: enters the machine's control groups,
# mounts its root inside a mount namespace of its own (so that nothing stays
# mounted when it dies) and becomes the command given, which is systemd-nspawn.
#   boot.sh LOWER UPPER WORK ROOT GROUP... -- COMMAND...
set -eu
lower=$1 upper=$2 work=$3 root=$4
shift 4
while [ "$1" != -- ]; do
  echo $$ > "$1"
  shift
done
shift
mount -t overlay -o "lowerdir=$lower,upperdir=$upper,workdir=$work" panopticon "$root"
exec "$@"
