#!/bin/sh
# backup.sh: backs up every source that the configuration names, one after another. Run by root
# through sudo, it leaves the work to an ordinary user.
set -eu
self=backup.sh

# limit LETTER VALUE: sudo hands down the limits of the caller, who may not cut hooks and dumps short. This
# comes first: with few descriptors the shell could not even read the other files.
# Root sets VALUE; others raise their soft limit as far as they may.
# shellcheck disable=SC3045 # dash has these
limit() {
    [ "$(id -u)" != 0 ] || ! ulimit "-$1" "$2" 2>/dev/null || return 0
    ulimit -S "-$1" "$(ulimit -H "-$1")" 2>/dev/null || :
}
for resource in f t d v; do limit "$resource" unlimited; done
limit n 65536
limit s 8192

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
# shellcheck source-path=SCRIPTDIR source=shared/options.sh
. "$here/shared/options.sh"
# shellcheck source-path=SCRIPTDIR source=shared/call.sh
. "$here/shared/call.sh"
# shellcheck source-path=SCRIPTDIR source=shared/conf.sh
. "$here/shared/conf.sh"

read_call backup.sh "$@"
config=$(readlink -m -- "${config:-$(conf_default)}")
cd /
if [ -n "$dry_run" ]; then
    reader=$(program moo-config) && exec "$reader" --config "$config" show
fi
# Lines are words from here on, and nothing in them is a pattern.
IFS='
'
set -f
# shellcheck disable=SC2086,SC2154 # read_call sets them
exec "$here/moo" backup --config "$config" ${user:+"--user=$user"} -- $chosen
