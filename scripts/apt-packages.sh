#!/usr/bin/env bash
# Installs what tests ask of Debian or Ubuntu: nginx, RabbitMQ, and systemd's own checks; no service is started.
# What cannot be installed here is said in the words by which .ci/run knows that its tests may be skipped.
set -euo pipefail

# A program of each package, and the package.
readonly wanted=(nginx:nginx rabbitmq-server:rabbitmq-server systemd-analyze:systemd openssl:openssl)

# Debian keeps programs for administrators where others do not look.
PATH="$PATH:/usr/sbin:/sbin"

missing=()
for pair in "${wanted[@]}"; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

give_up() {
  for package in "${missing[@]}"; do
    echo "services: NOT STARTED: $package, since $1. Its tests will be skipped." >&2
  done
  exit 0
}
command -v apt-get >/dev/null || give_up 'it is not installed, and there is no apt-get here'
[ "$(id -u)" -eq 0 ] || give_up "it is not installed, and only root may: sudo scripts/apt-packages.sh"

# invoke-rc.d asks this file before it starts a service: 101 says no. One that is there already is left as it is.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
elif "$policy" >/dev/null 2>&1; then
  give_up "it is not installed, and $policy would let its service start"
fi

export DEBIAN_FRONTEND=noninteractive
apt() { apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" >/dev/null; }
apt update
apt install -y --no-install-recommends "${missing[@]}"
