# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # for those who source this file, and set by it
# Shared parts of the pipes that restore, compare and copy.
# Sourced with $here set to the folder above.

# shellcheck source-path=SCRIPTDIR source=../shared/pipe.sh
. "$here/shared/pipe.sh"

# read_from URL: from here on `state` writes the wanted state of that store, decrypted.
read_from() {
    url=$1
    find_archive "$url"
    learn_seal_key
    ask_passphrase
    encrypted=''
    [ -n "$unprotected" ] || [ -z "$decrypts$passphrase_fd${passphrase:-}" ] || encrypted=yes
    # It works without the archive; with it, it fetches less and notices more.
    [ -n "$present_archive" ] || [ -z "$path$partial" ] || [ -n "$keep_going" ] || fetch_manifests
}

# ask_passphrase: asks for the passphrase of a locked secret key once, for all stages.
ask_passphrase() {
    [ -n "$decrypts" ] && [ -z "$quick${passphrase+given}" ] || return 0
    typed=$( (decrypt --unlock)) || exit
    [ -z "$typed" ] || passphrase=$typed
}

# state [OPTION...]: writes what is wanted; the options are further ones of moo-fetch.
state() {
    files ${path:+"--path=$path"} ${present_archive:+"--archive=$present_archive"} "$@"
}

# files [OPTION...]: writes the files of the store that these options of moo-fetch name, decrypted.
files() {
    fetch ${learned_key:+"--seal-key=$learned_key"} ${encrypted:+--encrypted} ${keep_going:+--keep-going} \
        "$@" -- "$url" |
        decrypt ${learned_key:+"--seal-key=$learned_key"} ${keep_going:+--keep-going}
}

# fetch_manifests: makes an archive of what tells which volumes have the part that is wanted. Where
# these files are damaged, all files are fetched, and the restore reports the damage. It reports sets that
# do not count, too.
fetch_manifests() {
    make_archive
    status=0
    said=$(fill_archive --manifests 2>&1) || status=$?
    case $status in
        0 | 3) present_archive=$temporary ;;
        5) ;;
        *) warn "$said" && exit "$status" ;;
    esac
}

# make_archive: makes $temporary, an empty folder that goes when this script does.
make_archive() {
    temporary=$(as_user mktemp -d "${TMPDIR:-/tmp}/moo-archive.XXXXXX")
    clean_up
}

# The folders that go when this script does: the user's archive, and the caller's plan.
temporary='' plan_folder=''

# clean_up: deletes them at the end.
clean_up() {
    trap delete_folders EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 131' QUIT
    trap 'exit 143' TERM
}

# delete_folders: what clean_up does at the end.
delete_folders() {
    [ -z "$temporary" ] || (as_user rm -rf -- "$temporary")
    [ -z "$plan_folder" ] || rm -rf -- "$plan_folder"
}

# fill_archive OPTION...: brings what moo-fetch gives with these options into it.
fill_archive() {
    files "$@" | upload --archive "$temporary" | commit
}
