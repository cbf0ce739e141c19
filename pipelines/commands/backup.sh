#!/bin/sh
# moo backup: one backup of one source, through the pipe.
# shellcheck disable=SC2119,SC2154 # read_pipe sets the variables and defines the stages
set -eu
self='moo backup'

here=$(CDPATH='' cd -P -- "${0%/*}/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/pipe.sh
. "$here/shared/pipe.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/writing.sh
. "$here/shared/writing.sh"

# catch_up: copies unknown sets into the archive directory, if the secret key is available.
# Prints the reason if it cannot.
catch_up() (
    moo_sync ${learned_key:+"--seal-key=$learned_key"} \
        --archive-dir "${archive%/*}" --name "${archive##*/}" -- "$url" 2>&1 </dev/null
)

# settle: tells whether the archive directory and the store have the same sets.
settle() {
    reconcile "--source=$named" ${allow_mismatch:+--allow-source-mismatch} ${start_over:+--start-over} \
        ${identity:+"--identity=$identity"} ${seal_key:+"--seal-key=$seal_key"} \
        ${learned_key:+"--seal-key=$learned_key"} </dev/null
}

# learn: the store holds sets, and the archive directory knows none of them.
learn() {
    status=0
    said=$(catch_up) || status=$?
    case $status in
        0 | 3 | 5 | 6 | 10) ;;
        *) warn "$said" && exit "$status" ;;
    esac
    proven=$state
    state=$(settle)
    case $state in unknown*) ;; *) return 0 ;; esac
    why='has sets that the archive directory does not know'
    case $proven in
        *identity=*) warn "$self: $shown_url: $why; they are of this host and source: making a full set" ;;
        *)
            [ "$status" = 6 ] || [ -z "$said" ] || warn "$said"
            fail 10 "$shown_url: $why; run moo sync where the secret key is, or give --start-over"
            ;;
    esac
}

read_pipe backup "$@"
[ -z "$passphrase_fd" ] || unset sign_passphrase
read_passphrase
archive=$(archive_of "$url")
learn_seal_key
# As manifests name the source. Only moo-scan reads standard input.
named=$source
[ "$source" != - ] || named=stdin:$stdin_name

# What an interrupted run has left is finished, gone on with or cleared away first. Where the store
# has sets that the archive does not know, or the other way round, there is nothing to build on.
resume=''
if [ -z "$dry_run" ]; then
    state=$(settle)
    case $state in unknown*) learn ;; esac
    case $state in
        *identity=*) identity=${state#*identity=} && identity=${identity%% *} ;;
    esac
    case $type-$state in auto-behind* | auto-unknown*) type=full ;; esac
    case $state in *resume) resume=yes ;; esac
fi
case $type in
    full) set -- --full ;;
    inc) set -- --incremental ;;
    *) set -- ${older:+"--full-if-older-than=$older"} ;;
esac
set -- "$@" --archive "$archive" --store "$url" ${resume:+--resume} ${identity:+"--identity=$identity"} \
    "--run-options=$run_options $learned_key" -- "$source"

# A dry run lists the source as it is.
if [ -n "$dry_run" ]; then
    snapshot=''
    scan --dry-run ${stats:+--stats} ${jsonstat:+"--jsonstat=$url"} "$@"
fi
scan "$@" |
    sign |
    delta --archive "$archive" |
    pack --archive "$archive" ${jsonstat:+"--jsonstat=$url"} |
    encrypt ${learned_key:+"--seal-key=$learned_key"} |
    deliver |
    commit --archive "$archive" ${stats:+--stats} ${jsonstat:+--jsonstat}
