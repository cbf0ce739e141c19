#!/bin/sh
# moo backup: one backup of one source, through the pipe.
set -eu
self='moo backup'

usage() {
    cat <<'TEXT'
usage: moo backup [full|inc] [options] SOURCE URL

Back up SOURCE to the store at URL, such as file:///srv/backup or sftp://user@host/backup. The
backup is an increment if there is a chain that it can extend, or else a full set. `full` makes a
full set; `inc` makes an increment or fails.

TEXT
    encrypting_help
    cat <<'TEXT'
  --sign-key KEY            sign each file inside its message with KEY
  --seal-key KEY            sign the seal of the set with KEY
  --passphrase-file FILE    read the passphrase from the first line of FILE
  --passphrase-fd N         read the passphrase from file descriptor N
TEXT
    packing_help
    cat <<'TEXT'
  --full-if-older-than AGE  make a full set if the last full set is older than AGE, such as 1M
  --allow-source-mismatch   continue even if the store is of another host or source, which was
                            renamed or moved
  --identity ID             give the first set the identity ID; setup-local creates one
  --start-over              make a new full set even if the archive directory does not know the
                            sets in the store, or the store lacks those that it knows
  --allow-deletions         record entries as deleted even if SOURCE is empty, or most of it is
                            missing or excluded
  --ignore-ctime            do not read a file again if only its inode's change time differs
  --ignore-inode            do not read a file again if only its inode number differs
TEXT
    selection_help
    cat <<'TEXT'
  --user NAME               run all stages as the user NAME (root only); only the stage that reads
                            SOURCE can read every file
  --dry-run                 list what would be stored
TEXT
    stats_help
    shared_help
    cat <<'TEXT'

A successful backup prints nothing. The exit status is 3 if some of the source could not be read.

Examples:
  moo backup --encrypt-key ~/backup.cert.pgp /etc file:///srv/backup
  moo backup --encrypt-key ~/backup.cert.pgp --seal-key ~/host.secret.pgp \
      /etc file:///srv/backup
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/pipe.sh
. "$here/shared/pipe.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/writing.sh
. "$here/shared/writing.sh"

type=auto dry_run='' older='' as='' next='' unlock='' identity=''
case ${1-} in
    full) type=full && shift ;;
    inc | incr | incremental) type=inc && shift ;;
esac

own_option() {
    case $2 in
        --passphrase-fd) needs_value "$@" && passphrase_from "$3" && unset SIGN_PASSPHRASE ;;
        --sign-key | --seal-key | --passphrase-file)
            needs_value "$@" && encrypt="$encrypt $2 $(quoted "$3")"
            case $2 in
                --seal-key) seal_key=$3 ;;
                --passphrase-file) unlock="$2 $(quoted "$3")" ;;
            esac
            ;;
        --full-if-older-than) needs_value "$@" && older=$3 ;;
        --allow-source-mismatch) scan="$scan $2" next="$next $2" ;;
        --identity) needs_value "$@" && identity=$3 ;;
        --start-over) next="$next $2" ;;
        --allow-deletions | --ignore-ctime | --ignore-inode)
            scan="$scan $2"
            ;;
        --user) needs_value "$@" && as=$3 ;;
        --dry-run) dry_run=yes ;;
        *) set_option "$@" || selection_option "$@" || shared_option "$@" ;;
    esac
}

read_options "$@"
eval "set -- $words"
[ $# -eq 2 ] || fail 2 'a source and a url are needed (see --help)'
check_common
[ -z "$as" ] || become "$as"
source=$(quoted "$1")
url=$2
archive=$(archive_of "$url")

take_passphrases

# The archive is the user's: root looks at nothing in it. It may name the key that signs the seals.
if [ -z "${seal_key+set}" ] && (as_user test -s "$archive/seal-key"); then
    seal_key=$(as_user head -c 4096 "$archive/seal-key")
    encrypt="$encrypt --seal-key $(quoted "$seal_key")"
fi

# catch_up: copies unknown sets into the archive directory, if the secret key is available.
# Prints the reason if it cannot.
catch_up() (
    [ -z "${passphrase+set}" ] || export PASSPHRASE="$passphrase"
    eval "as_user \"\$here/commands/sync.sh\" $all $reach $unlock ${seal_key:+--seal-key \"\$seal_key\"} \
        --archive-dir \"\${archive%/*}\" --name \"\${archive##*/}\" -- \"\$url\"" 2>&1
)

# learn: the store holds sets, and the archive directory knows none of them.
learn() {
    status=0
    said=$(catch_up) || status=$?
    case $status in
        0 | 3 | 5 | 6 | 10) ;;
        *) printf '%s\n' "$said" >&2 && exit "$status" ;;
    esac
    proven=$state
    state=$(reconcile "$next")
    case $state in unknown*) ;; *) return 0 ;; esac
    why='has sets that the archive directory does not know'
    case $proven in
        *identity=*) echo "$self: $url: $why; they are of this host and source: making a full set" >&2 ;;
        *)
            [ "$status" = 6 ] || [ -z "$said" ] || printf '%s\n' "$said" >&2
            fail 10 "$url: $why; run moo sync where the secret key is, or give --start-over"
            ;;
    esac
}

# What an interrupted run has left is finished, gone on with or cleared away first. Where the store
# has sets that the archive does not know, or the other way round, there is nothing to build on.
if [ -z "$dry_run" ]; then
    [ -z "$identity" ] || next="$next --identity $(quoted "$identity")"
    next="--source=$source$next${seal_key:+ --seal-key $(quoted "$seal_key")}"
    state=$(reconcile "$next")
    case $state in unknown*) learn ;; esac
    case $state in
        *identity=*) identity=${state#*identity=} && identity=${identity%% *} ;;
    esac
    case $type-$state in auto-behind* | auto-unknown*) type=full ;; esac
    case $state in *resume) scan="$scan --resume" ;; esac
fi
scan="$scan --store $(quoted "$url")"
[ -z "$identity" ] || scan="$scan --identity $(quoted "$identity")"
# A resumed run must have equal options.
kind=$(printf '%s' "$sign $encrypt" | sha256sum)
scan="$scan --run-options ${kind%% *}"
case $type in
    full) scan="$scan --full" ;;
    inc) scan="$scan --incremental" ;;
    *) [ -z "$older" ] || scan="$scan --full-if-older-than $(quoted "$older")" ;;
esac

if [ -n "$dry_run" ]; then
    eval "as_reader moo-scan $all --dry-run --archive \"\$archive\" $scan -- $source"
fi
set_stages
eval "as_reader moo-scan $all $jobs --archive \"\$archive\" $scan -- $source | $stages"
