#!/bin/sh
# Decides which disk is written, from lists alone: touches no device.
#   choose.sh WANTED LIST
# WANTED, rendered from the file:  server|ID|STICK|OVERWRITE|LEAST_BYTES
#                                  disk|NAME|LOW|HIGH|SERIAL       (the first one takes the system)
# LIST, as look.sh writes it.
# Says:  system|NAME|DISK   the system, and the volume group NAME behind it
#        group|NAME|DISK    a volume group on the whole disk
#        kept|NAME|DISK     there is such a group already
#        left|NAME|WHY      nothing is done about this disk of the file
#        refuse|WHY         nothing at all is to be written (exit 1)
set -u
wanted=$1
list=$2
IFS='|' read -r _ server stick overwrite least <"$wanted"

refuse() {
  echo "refuse|$1"
  exit 1
}

# Those of the list that pass the test $1 (a function of the fields), as "NAME STATE WORDS" lines.
each_disk() {
  while IFS='|' read -r kind name bytes serial model state words; do
    [ "$kind" = disk ] && "$1" && echo "$name|$state|$words"
  done <"$list"
}
has_serial() { [ "$serial" = "$want_serial" ]; }
named_otherwise() { [ -n "$serial" ] && awk -F'|' -v serial="$serial" '$1 == "disk" && $5 == serial { found = 1 } END { exit !found }' "$wanted"; }
has_size() { [ "$bytes" -ge "$low" ] && [ "$bytes" -le "$high" ] && ! named_otherwise; }
is_begun() { has_size && [ "$state" = "begun:$server" ]; }
is_empty() { has_size && [ "$state" = empty ]; }
count() { if [ -z "$1" ]; then echo 0; else echo "$1" | wc -l | tr -d ' '; fi; }
words_of() { echo "$1" | awk -F'|' '{ printf "%s%s (%s)", (NR > 1 ? ", " : ""), $1, $3 }'; }

# Whether a disk that the file names by its serial may be written; else says why not.
may_write() {
  case $1 in
  empty | loose | "begun:$server") return 0 ;;
  stick) why="it is this stick" ;;
  fixed) why="it can't be written" ;;
  "done:$server:$stick") why="this very stick has installed it: boot from it, or build another stick" ;;
  *)
    [ "$overwrite" = 1 ] && return 0
    why="it holds $2. Empty it (wipefs --all, blkdiscard), or build the stick with --overwrite"
    ;;
  esac
  return 1
}

# Sets disk, or why.
find_disk() {
  disk=""
  if [ -n "$want_serial" ]; then
    found=$(each_disk has_serial)
    case $(count "$found") in
    0) why="no disk has the serial $want_serial" ;;
    1)
      state=$(echo "$found" | cut -d'|' -f2)
      may_write "$state" "$(echo "$found" | cut -d'|' -f3)" && disk=${found%%|*} ||
        why="${found%%|*}, which has the serial $want_serial: $why"
      ;;
    *) why="more than one disk has the serial $want_serial: $(words_of "$found")" ;;
    esac
    return
  fi
  fitting=$(each_disk has_size)
  begun=$(each_disk is_begun)
  empty=$(each_disk is_empty)
  if [ "$(count "$begun")" = 1 ]; then
    disk=${begun%%|*}
  elif [ "$(count "$empty")" = 1 ]; then
    disk=${empty%%|*}
  elif [ -n "$empty" ]; then
    why="more than one empty disk has that size: $(words_of "$empty"). Name the right one by its serial in the file"
  elif [ -n "$fitting" ]; then
    why="what has that size is not empty: $(words_of "$fitting"). Empty it (wipefs --all, blkdiscard), or name it by its serial in the file"
  else
    why="no disk has that size. Correct its size in the file, or name it by its serial"
  fi
}

group_on() { grep "^group|$1|" "$list" | head -n 1 | cut -d'|' -f3; }
bytes_of() { grep "^disk|$1|" "$list" | cut -d'|' -f3; }

first=yes
taken=" "
result=""
while IFS='|' read -r kind name low high want_serial; do
  [ "$kind" = disk ] || continue
  find_disk
  there=$(group_on "$name")
  if [ $first = yes ]; then
    first=no
    [ -n "$disk" ] || refuse "$name: $why"
    [ -z "$there" ] || [ "$there" = "$disk" ] ||
      refuse "$name: $there has a volume group of that name already. Call the disk otherwise in the file, or rename the group"
    [ "$(bytes_of "$disk")" -ge "$least" ] || refuse "$name: $disk is too small for the system, which takes $((least / 1073741824)) GiB"
    result="system|$name|$disk"
  elif [ -n "$there" ]; then
    result="$result
kept|$name|$there"
  else
    case $taken in *" $disk "*) why="$disk is taken by another disk of the file" && disk="" ;; esac
    if [ -n "$disk" ]; then
      result="$result
group|$name|$disk"
    else
      result="$result
left|$name|$why"
    fi
  fi
  taken="$taken$disk "
done <"$wanted"
[ -n "$result" ] || refuse "the file names no disk"
echo "$result"
