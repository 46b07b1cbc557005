#!/bin/sh
# Lists this machine's disks and what is on each; writes nothing to any of them.
#   look.sh STICK            STICK is the device that the installer came from
# One line for each disk:    disk|NAME|BYTES|SERIAL|MODEL|STATE|WORDS
# One for each volume group: group|NAME|DISK
# STATE is empty, data, stick, fixed (can't be written), loose (can be pulled out,
# and is empty), or begun:SERVER and done:SERVER:STICK for what we wrote ourselves.
# WORDS say for a person what is on it.
set -u
export LC_ALL=C
# Elsewhere only in tests.
SYS=${SYS:-/sys}
DEV=${DEV:-/dev}

# Where our own mark stands: in the gap before the first partition, behind the table.
MARK_SECTOR=2040

# A field of the list: no separators, no bytes that a console would act on.
plain() { tr -cd ' -{}~' | sed 's/^ *//; s/ *$//'; }

mark_of() { dd if="$DEV/$1" bs=512 skip=$MARK_SECTOR count=1 2>/dev/null | head -c 120 | tr -d '\0' | sed -n 's/^panopticon-usb //p' | plain; }

# Whether 64 KiB at that number of 64 KiB blocks are nothing but zeros.
is_zero() { [ -z "$(dd if="$DEV/$1" bs=65536 skip="$2" count="$3" 2>/dev/null | tr -d '\0' | head -c 1 | od -An -tx1)" ]; }

# No signature does not mean no data: an encrypted disk may have none. The first
# and the last MiB, and 30 places between them, are read.
is_blank() {
  blocks=$(($2 / 65536))
  is_zero "$1" 0 16 && is_zero "$1" $((blocks - 16)) 17 || return 1
  place=1
  while [ $place -lt 31 ]; do
    is_zero "$1" $((blocks * place / 31)) 1 || return 1
    place=$((place + 1))
  done
}

contents() {
  for part in "$SYS/block/$1/$1"*; do
    [ -e "$part/partition" ] || continue
    kind=$(blkid -p -o value -s TYPE "$DEV/${part##*/}" 2>/dev/null | head -n 1)
    echo "${kind:-no file system}"
  done | sort | uniq -c | awk '{ n = $1; $1 = ""; printf "%s%s%s", (NR > 1 ? ", " : ""), (n > 1 ? n " x" : ""), $0 }' | sed 's/^ //'
}

# Sets state and words.
judge() {
  found=$(blkid -p -o export "$DEV/$1" 2>/dev/null)
  code=$?
  kind=$(echo "$found" | sed -n 's/^TYPE=//p' | head -n 1)
  table=$(echo "$found" | sed -n 's/^PTTYPE=//p' | head -n 1)
  table_id=$(echo "$found" | sed -n 's/^PTUUID=//p' | head -n 1)
  mark=$(mark_of "$1")
  inside=$(contents "$1")
  if [ -n "$table" ]; then
    words="a $table table${inside:+ with $inside}"
  elif [ -n "$kind" ]; then
    words="$kind on the whole disk"
  elif [ $code -eq 8 ]; then
    words="more than one signature"
  elif [ -n "$inside" ]; then
    words="partitions with $inside"
  else
    words=""
  fi
  # Ours as long as the table is: who made another one since may have data there.
  case $mark in
  begun\ *)
    server=${mark#begun }
    server=${server%% *}
    case "$table:$table_id" in
    : | PMBR:* | "gpt:$server")
      state=begun:$server
      words="an installation that was cut off"
      return
      ;;
    esac
    ;;
  done\ *)
    server=${mark#done }
    stick=${server#* }
    server=${server%% *}
    if [ "$table:$table_id" = "gpt:$server" ]; then
      state=done:$server:${stick%% *}
      words="a server that a stick installed: $words"
      return
    fi
    ;;
  esac
  if [ -n "$words" ]; then
    state=data
  elif is_blank "$1" "$2"; then
    state=empty
    words="empty"
  else
    state=data
    words="data that no signature names"
  fi
}

for path in "$SYS"/block/*; do
  name=${path##*/}
  case $name in loop* | ram* | zram* | sr* | fd* | dm-* | md* | nbd*) continue ;; esac
  bytes=$(($(cat "$path/size") * 512))
  [ $bytes -gt 0 ] || continue
  serial=$(lsblk -dn -o SERIAL "$DEV/$name" 2>/dev/null | plain)
  model=$(lsblk -dn -o MODEL "$DEV/$name" 2>/dev/null | plain)
  if [ "$DEV/$name" = "$1" ]; then
    state=stick
    words="this stick"
  elif [ "$(cat "$path/ro")" = 1 ]; then
    state=fixed
    words="it can't be written"
  else
    judge "$name" $bytes
    if [ "$state" = empty ] && [ "$(cat "$path/removable")" = 1 ]; then
      state=loose
      words="empty, but it can be pulled out"
    fi
  fi
  echo "disk|$name|$bytes|$serial|$model|$state|$words"
done

lvm vgs --noheadings --separator '|' -o vg_name,pv_name 2>/dev/null | tr -d ' ' | while IFS='|' read -r group device; do
  disk=$(lsblk -no PKNAME "$device" 2>/dev/null | head -n 1)
  echo "group|$group|${disk:-${device#"$DEV"/}}"
done
