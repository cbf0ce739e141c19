# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # for those who source this file, and set by it
# Shared parts of the pipes that make a set.
# Sourced after pipe.sh.

# deliver: brings the files that come to the store, with parity if the call asks for it.
deliver() {
    if [ -n "$parity" ]; then parity | upload -- "$url"; else upload -- "$url"; fi
}

# reconcile [OPTION...]: finishes or deletes the leftovers of an interrupted run in the archive
# directory. Prints the output of moo-commit with these options.
reconcile() {
    check_archive
    receipts ${present_archive:+"--archive=$present_archive"} -- "$url" |
        commit --reconcile --archive "$archive" "$@"
}
