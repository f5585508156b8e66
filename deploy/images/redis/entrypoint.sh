#!/bin/sh
# Arguments that start with a dash, or a configuration file, are redis-server's.
set -eu
case "${1:-redis-server}" in
-* | *.conf) set -- redis-server "$@" ;;
esac
# As in the public image: a container is reached from outside by design, and access is limited by password
# and network policy. Whoever says otherwise in the arguments is heard: the last one counts.
if [ "$1" = redis-server ]; then
  shift
  case "${1:-}" in
  "" | -*) set -- redis-server --protected-mode no "$@" ;;
  *) # a configuration file comes first
    file=$1
    shift
    set -- redis-server "$file" --protected-mode no "$@"
    ;;
  esac
fi
exec "$@"
