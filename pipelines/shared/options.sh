# shellcheck shell=sh
# What all scripts share: messages, and reading options.
# Sourced, with $self set to the name that messages begin with.

# A write beyond the limit of file sizes fails, and does not kill. SIGUSR1 is for moo-run.
trap '' XFSZ USR1

# Set by moo-options if there may be a progress line on the terminal.
drawn=''

# fail STATUS MESSAGE: one line, and out.
fail() {
    # shellcheck disable=SC2154 # set by who sources this
    warn "$(legible "$self: $2")"
    exit "$1"
}

# warn TEXT: the text on standard error, and not behind the progress line.
warn() {
    [ -z "$drawn" ] || printf '\r\033[K' >&2
    printf '%s\n' "$1" >&2
}

# legible TEXT: the text on one line, as the programs print names: bytes that could command a
# terminal, turn the direction of writing, or are not UTF-8 stand as \xHH.
legible() {
    printf '%s' "$1" | od -An -v -tu1 | LC_ALL=C awk '
        # How many bytes make up the character that begins at `at`: none if it is no UTF-8.
        function measured(    first, i, next_byte) {
            first = bytes[at]
            if (first < 128) { code = first; return 1 }
            size = first < 194 ? 0 : first < 224 ? 2 : first < 240 ? 3 : first < 245 ? 4 : 0
            code = first % (size == 2 ? 32 : size == 3 ? 16 : 8)
            for (i = 1; i < size; i++) {
                next_byte = bytes[at + i] + 0
                if (next_byte < 128 || next_byte > 191) return 0
                code = code * 64 + next_byte - 128
            }
            if (size == 3 && (code < 2048 || code > 55295 && code < 57344)) return 0
            if (size == 4 && (code < 65536 || code > 1114111)) return 0
            return size
        }
        function is_command() {
            return code < 32 || code > 126 && code < 160 || code == 8206 || code == 8207 ||
                code > 8231 && code < 8239 || code > 8293 && code < 8298
        }
        { for (i = 1; i <= NF; i++) bytes[++count] = $i + 0 }
        END {
            for (at = 1; at <= count; at += len) {
                len = measured()
                form = len && !is_command() ? "%c" : "\\x%02x"
                if (!len) len = 1
                for (i = 0; i < len; i++) printf form, bytes[at + i]
            }
            print ""
        }'
}

# quoted WORD: the word so that `eval` gives it back as it is.
quoted() {
    printf '%s\n' "$1" | sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/"
}

# The arguments that are not options, each quoted.
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

# no_such_option OPTION: fails for an unknown option.
no_such_option() {
    fail 2 "$1: no such option (see --help)"
}
