#!/bin/sh
# Stops the exporter before its files go, but not for an update: dpkg says "upgrade", rpm 1.
set -e
case ${1:-} in
  upgrade | 1) exit 0 ;;
esac
[ -d /run/systemd/system ] || exit 0
systemctl disable --now promshm-exporter.service
