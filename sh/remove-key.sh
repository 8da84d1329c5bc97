#!/bin/sh
# Takes one SSH public key out of a user's and root's authorized_keys, where cloud-init writes keys to.
# Run as root over SSH at the end of an install, with the script on standard input. Twice-safe.
# Input: QMESH_USER, the user; QMESH_KEY, the key's base64 body. ROOT is put before every path; empty in a guest.
# Exit 0: the key is nowhere any more. Exit 1: it could not be removed. Exit 2: bad input.
set -eu

ROOT=${ROOT-}

main() {
  case ${QMESH_KEY-} in '' | *[!A-Za-z0-9+/=]*) fail 2 "QMESH_KEY must be base64" ;; esac
  case ${QMESH_USER-} in '' | *[!a-z0-9_-]*) fail 2 "QMESH_USER must be a user name, not '${QMESH_USER-}'" ;; esac
  home=$(awk -F: -v user="$QMESH_USER" '$1 == user { print $6 }' "$ROOT/etc/passwd")
  [ -n "$home" ] || fail 2 "there is no user $QMESH_USER"
  remove "$ROOT$home/.ssh/authorized_keys"
  remove "$ROOT/root/.ssh/authorized_keys"
}

# The file keeps its owner and mode: it is written to, not replaced.
remove() {
  [ -f "$1" ] || return 0
  kept=$(grep -vF "$QMESH_KEY" "$1") || kept=
  if [ -n "$kept" ]; then printf '%s\n' "$kept" >"$1"; else : >"$1"; fi
  ! grep -qF "$QMESH_KEY" "$1" || fail 1 "the key is still in $1"
}

fail() {
  echo "remove-key: $2" >&2
  exit "$1"
}

main </dev/null
exit
