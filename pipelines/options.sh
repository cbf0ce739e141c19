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

# The words that are no options, each quoted.
words=''

# read_options WORD...: the options, anywhere among the words. The script's own_option COUNT OPTION
# [VALUE...] reads one, of COUNT words that are left; it sets $taken where it takes more than one.
# --option=value is --option value, and after -- come no more options.
read_options() {
    while [ $# -gt 0 ]; do
        joined='' taken=1
        case $1 in
            -h | --help) usage && exit 0 ;;
            --) shift && break ;;
            --?*=*)
                joined=yes option=${1%%=*} value=${1#*=} && shift
                set -- "$option" "$value" "$@"
                ;;
        esac
        case $1 in
            -?*) own_option $# "$@" ;;
            *) words="$words $(quoted "$1")" ;;
        esac
        [ "$joined$taken" != yes1 ] || fail 2 "$1: takes no value (see --help)"
        shift "$taken"
    done
    for word; do words="$words $(quoted "$word")"; done
}

# needs_value COUNT OPTION [VALUE...]: takes the word that follows the option, or fails.
needs_value() {
    [ "$1" -ge 2 ] || fail 2 "$2: needs a value (see --help)"
    taken=2
}

# no_such_option OPTION: what a reader says of what it does not know.
no_such_option() {
    fail 2 "$1: no such option (see --help)"
}
