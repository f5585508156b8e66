#!/usr/bin/env bash
# The protobuf contracts: style, and nothing broken since the last release (or, before there is one, since
# main's last commit).
set -euo pipefail
cd "$(dirname "$0")/../.."
version=1.75.0

if command -v npx >/dev/null; then
  buf() { npx --yes "@bufbuild/buf@$version" "$@"; }
else
  go=$(.venv/bin/python -m tigerex_local go)
  buf() { GOFLAGS='' CGO_ENABLED=0 "$go" run "github.com/bufbuild/buf/cmd/buf@v$version" "$@"; }
fi

buf lint protos
before=$(git describe --tags --abbrev=0 2>/dev/null || git rev-parse --quiet --verify main^{commit} || true)
if [[ -n $before ]] && git cat-file -e "$before:protos" 2>/dev/null; then
  buf breaking protos --against ".git#ref=$before,subdir=protos"
else
  echo "buf breaking: no earlier contracts to compare with"
fi
