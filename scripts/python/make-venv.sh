#!/usr/bin/env bash
# Makes .venv with what the tests ask of Python, once; says so and succeeds where there is no Python to make it with.
set -euo pipefail
cd "$(dirname "$0")/../.."
stamp=.venv/requirements.txt
if cmp -s scripts/python/requirements.txt "$stamp"; then exit 0; fi
for python in python3.13 python3.12 python3.11 python3; do
  if "$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    rm -rf .venv
    "$python" -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check --requirement scripts/python/requirements.txt
    cp scripts/python/requirements.txt "$stamp"
    exit 0
  fi
done
echo 'There is no Python 3.11 or later: the tests that ask it are skipped.' >&2
