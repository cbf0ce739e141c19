# shellcheck shell=sh
# What all scripts share: messages, and reading options.
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
