# shellcheck shell=sh
# What the pipelines share: reading options, and where the archive of a store is.
# Sourced, with $self set to the name that messages begin with.

# fail STATUS MESSAGE: one line, and out.
fail() {
    # shellcheck disable=SC2154 # set by who sources this
    echo "$self: $2" >&2
    exit "$1"
}

# quoted WORD: the word so that `eval` gives it back as it is.
quoted() {
    printf '%s\n' "$1" | sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/"
}

# needs_value OPTION COUNT: fails unless a word follows the option.
needs_value() {
    [ "$2" -ge 2 ] || fail 2 "$1: needs a value (see --help)"
}

# ssh_settings TEXT: the words of duplicity's --ssh-options, such as '-oPort=2222 -oUser=purr', as
# options of our own.
ssh_settings() (
    set -f
    for word in $1; do
        [ "$word" = -o ] || printf ' --ssh-option %s' "$(quoted "${word#-o}")"
    done
)

# check_common OPTIONS: lets one stage look at the options that all of them get, so that a wrong one
# is told once.
check_common() {
    [ -z "$1" ] || eval "moo-scan $1 --version" >/dev/null || exit
}

# archive_of URL: the archive folder of a store: ARCHIVE_DIR/NAME, where NAME is, as with
# duplicity, the MD5 of the URL.
archive_of() {
    dir=${archive_dir:-${XDG_STATE_HOME:-${HOME:?}/.local/state}/moobacker}
    name=${archive_name:-$(printf '%s' "$1" | md5sum | cut -d ' ' -f 1)}
    printf '%s/%s\n' "$dir" "$name"
}
