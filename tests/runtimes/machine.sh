#!/usr/bin/env bash
# A machine within this one, for container runtimes: machine.sh NAME WORD...
#
# Its processes, mounts, IPC objects and host name are its own, and so is its view of cgroups, below the cgroup NAME in
# each hierarchy. WORD... becomes its first process, with which all others end.
set -euo pipefail

name=$1
shift
while read -r folder; do
  mkdir "$folder/$name"
  # Empty ones take no process.
  for file in cpuset.cpus cpuset.mems; do
    if [ -e "$folder/$file" ]; then cat "$folder/$file" >"$folder/$name/$file"; fi
  done
  echo $$ >"$folder/$name/cgroup.procs"
done < <(awk '$3 ~ /^cgroup/ { print $2 }' /proc/mounts)
# shellcheck disable=SC2016  # another shell's variables
exec unshare --pid --mount --ipc --uts --cgroup --fork --mount-proc --kill-child bash -euc '
  # A mount shows the cgroup namespace in which it was made.
  awk "\$3 ~ /^cgroup/ { print \$3, \$2, \$4 }" /proc/mounts >/tmp/$1
  umount --lazy /sys/fs/cgroup
  grep -q "^cgroup2 /sys/fs/cgroup " /tmp/$1 || mount -t tmpfs -o mode=755 cgroups /sys/fs/cgroup
  while read -r kind folder options; do
    mkdir -p "$folder"
    options=$(tr , "\n" <<<"$options" | grep -vxE "rw|ro|nosuid|nodev|noexec|relatime" | paste -sd, || true)
    case $options in name=*) options=none,$options ;; esac
    mount -t "$kind" ${options:+-o "$options"} "$kind" "$folder"
  done </tmp/$1
  rm /tmp/$1
  shift
  for folder in /run /var/log /etc/systemd /opt; do mount -t tmpfs -o mode=755 own "$folder"; done
  mkdir /run/units
  printf "[Unit]\nDefaultDependencies=no\n" >/run/units/machine.target
  exec "$@"
' machine "$name" "$@"
