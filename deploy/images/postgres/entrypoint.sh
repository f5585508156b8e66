#!/bin/bash
# Makes the database on the first start, then becomes the server. A first start that was cut short leaves
# no half-made database: it is made in a folder of its own and moved into place, its version file last.
set -euo pipefail

[[ ${1:-postgres} == -* ]] && set -- postgres "$@"
[[ ${1:-postgres} == postgres ]] || exec "$@"

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
partial=$PGDATA/.initialising

name_this_user() { # PostgreSQL asks for its user's name; an arbitrary user id has none
  getent passwd "$(id -u)" >/dev/null && return
  local files=${TMPDIR:-/tmp}/nss-wrapper
  mkdir -p "$files"
  echo "postgres:x:$(id -u):$(id -g)::/var/lib/postgresql:/bin/bash" >"$files/passwd"
  echo "postgres:x:$(id -g):" >"$files/group"
  export NSS_WRAPPER_PASSWD=$files/passwd NSS_WRAPPER_GROUP=$files/group
  LD_PRELOAD=$(echo /usr/lib/*/libnss_wrapper.so)
  export LD_PRELOAD
}

initialise() {
  if [[ -n ${POSTGRES_PASSWORD_FILE:-} ]]; then
    POSTGRES_PASSWORD=$(<"$POSTGRES_PASSWORD_FILE")
  fi
  if [[ -z ${POSTGRES_PASSWORD:-} ]]; then
    echo "postgres: set POSTGRES_PASSWORD_FILE (or POSTGRES_PASSWORD) for the first start" >&2
    exit 1
  fi
  [[ -d $partial ]] && find "$PGDATA" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
  if [[ -n $(ls -A "$PGDATA" | grep -vx lost+found) ]]; then
    echo "postgres: $PGDATA is neither empty nor a database: refusing to touch it" >&2
    exit 1
  fi
  mkdir -m 0700 "$partial"
  initdb --pgdata="$partial" --username="$user" --pwfile=<(echo "$POSTGRES_PASSWORD") \
    --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256
  echo "host all all all scram-sha-256" >>"$partial/pg_hba.conf"
  if [[ $database != postgres ]]; then
    echo "CREATE DATABASE \"$database\";" |
      postgres --single -D "$partial" postgres >/dev/null
  fi
  find "$partial" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$PGDATA" {} +
  mv "$partial/PG_VERSION" "$PGDATA/"
  rmdir "$partial"
}

mkdir -p "$PGDATA"
chmod 0700 "$PGDATA" 2>/dev/null || true # a mounted volume may belong to someone else
name_this_user
[[ -s $PGDATA/PG_VERSION ]] || initialise
unset POSTGRES_PASSWORD LD_PRELOAD
exec "$@"
