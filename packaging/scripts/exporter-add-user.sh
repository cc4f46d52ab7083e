#!/bin/sh
# Makes the exporter's user, once, and puts it into the group that workers share their segment with.
set -e
getent group @GROUP@ >/dev/null || groupadd --system @GROUP@
getent passwd promshm-exporter >/dev/null ||
  useradd --system --user-group --no-create-home --home-dir / --shell /usr/sbin/nologin \
    --comment 'Exporter of PHP metrics' promshm-exporter
usermod --append --groups @GROUP@ promshm-exporter

# systemd may not run: in an image, for instance.
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
systemctl try-restart promshm-exporter.service
