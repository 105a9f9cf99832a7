#!/usr/bin/env bash
# Makes .venv with what the tests ask of Python, .venv/mlserver with what does not go with the rest, and .venv/deploy with
# what checks deploy/; each once.
# Says so and succeeds where there is no Python to make one with.
set -euo pipefail
cd "$(dirname "$0")/../.."

# make FOLDER REQUIREMENTS OLDEST NEWEST: with the newest Python 3 among these minor releases.
make() {
  local folder=$1 requirements=scripts/python/$2 oldest=$3 newest=$4 python
  if cmp -s "$requirements" "$folder/requirements.txt"; then return; fi
  for python in python3.13 python3.12 python3.11 python3.10 python3; do
    if "$python" -c "import sys, venv; sys.exit(not (3, $oldest) <= sys.version_info[:2] <= (3, $newest))" 2>/dev/null; then
      rm -rf "$folder"
      "$python" -m venv "$folder"
      "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$requirements"
      cp "$requirements" "$folder/requirements.txt"
      return
    fi
  done
  echo "services: NOT STARTED: what asks $folder, since there is no Python 3.$oldest to 3.$newest. Its tests will be skipped." >&2
}

make .venv requirements.txt 11 13
make .venv/mlserver requirements-mlserver.txt 10 12
make .venv/deploy requirements-deploy.txt 11 13
