#!/usr/bin/env bash
# Puts uv into a virtual environment of its own: fetch-uv.sh VERSION FOLDER
set -euo pipefail
version=$1 folder=$2

make_environment() { rm -rf "$folder" && python3 -m venv "$folder" >/dev/null 2>&1; }

if ! make_environment; then
  # Debian splits venv from Python.
  [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || {
    echo "please install uv, or python3 with its venv module (Debian: apt-get install python3-venv)" >&2
    exit 1
  }
  echo "--> Installing the missing Debian packages python3 python3-venv"
  apt-get update -q >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends python3 python3-venv >/dev/null
  make_environment
fi
"$folder/bin/pip" install --quiet --disable-pip-version-check "uv==$version"
