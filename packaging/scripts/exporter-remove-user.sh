#!/bin/sh
# dpkg says "purge" when nothing is to be left. rpm keeps users: their number could be given to another one.
set -e
if [ "${1:-}" = purge ] && getent passwd promshm-exporter >/dev/null; then
  userdel promshm-exporter
fi
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
