# shellcheck shell=sh
# The configuration, moobacker-conf(5): read, checked and asked for its values. It is text; nothing
# of it is ever run here.
# Sourced after options.sh, with $self set to the name that messages begin with.

# conf_read FILE: reads and checks it all, or fails with status 2. Root takes it only from a file
# that nobody else could have written.
conf_read() {
    [ -f "$1" ] || fail 2 "$1: no such file"
    [ -r "$1" ] || fail 2 "$1: not readable"
    # Opened once, so that what is checked is what is read.
    # shellcheck disable=SC2094 # it is only read
    conf_table=$({ conf_trusted "$1" && conf_parse "$1"; } <"$1") || exit 2
}

# conf_sources: the names of the sources, one a line.
conf_sources() { conf_rows | LC_ALL=C sed -n 's/^\([^ ]*\) source .*/\1/p'; }

# conf_list KEYWORD [SOURCE]: the values of what stands before the first source, or of what stands
# below that one; in order, one a line.
conf_list() (
    conf_rows | while IFS=' ' read -r scope keyword value; do
        [ "$scope $keyword" != "${2:-/} $1" ] || printf '%s\n' "$value"
    done
)

# conf_get KEYWORD [SOURCE]: the one value: that of the source if it has one, else that of all. The
# value of the keyword `source` is the path.
conf_get() (
    value=$(conf_list "$@")
    [ -n "$value" ] || value=$(conf_list "$1")
    [ -z "$value" ] || printf '%s\n' "$value"
)

# conf_selection SOURCE: its lines `exclude GLOB` and `include GLOB`, in order.
conf_selection() { conf_rows | LC_ALL=C sed -n "s/^$(conf_literal "$1") \([ei][xn]clude .*\)/\1/p"; }

# conf_options SOURCE: the words of `options`, those of all and then those of the source, one a line.
conf_options() { { conf_list options && conf_list options "$1"; } | conf_words; }

# conf_reach SOURCE: those of them that all pipes have, with their values.
conf_reach() {
    conf_options "$1" | LC_ALL=C awk '
        value || /^(-[ov].|--(ssh-(option|options|config)|num-retries|timeout|bwlimit|verbosity)=)/ { print; value = 0; next }
        /^(-[ov]|--(ssh-(option|options|config)|num-retries|timeout|bwlimit|verbosity))$/ { print; value = 1 }'
}

# conf_rules SOURCE: the words of `keep`, that of the source or else that of all, one a line.
conf_rules() { conf_get keep "$1" | conf_words; }

# conf_url SOURCE: the URL of its store.
conf_url() (
    remote=$(conf_get remote)
    printf '%s/%s\n' "${remote%/}" "$1"
)

# The checked lines: the source's name or `/`, keyword, value.
conf_rows() { printf '%s\n' "$conf_table"; }

# A name as sed's literal.
conf_literal() { printf '%s\n' "$1" | sed 's/\./\\./g'; }

# Splits lines into words as a shell does, quotes and backslashes, but expands nothing.
conf_words() { LC_ALL=C xargs -r printf '%s\n'; }

# Standard input is a file that only root can have written, or the caller is not root.
conf_trusted() {
    [ "$(id -u)" = 0 ] || return 0
    case $(stat -L -c '%u %A' -) in
        '0 '?????-??-?) ;;
        '0 '*) fail 2 "$1: others than root may write it (chmod go-w)" ;;
        *) fail 2 "$1: does not belong to root (chown root)" ;;
    esac
}

# Turns the file at standard input into rows, or prints the one message.
conf_parse() {
    # awk may drop zero bytes; sed turns them into something that no line may hold.
    # shellcheck disable=SC2154 # set by who sources this
    LC_ALL=C sed 's/\x00/\x7f/g' | LC_ALL=C conf_where="$self: $1" awk '
        function wrong(why) { failed = 1; print ENVIRON["conf_where"] ": " why >"/dev/stderr"; exit 2 }
        function bad(why) { wrong("line " NR ": " why) }
        function once() { if (seen[scope, word]++) bad(word ": a second one") }
        function closed(text,    i, c, quote) {
            for (i = 1; i <= length(text); i++) {
                c = substr(text, i, 1)
                if (quote) { if (c == quote) quote = "" }
                else if (c == "\\") i++
                else if (c == "\"" || c == sprintf("%c", 39)) quote = c
            }
            return !quote && i == length(text) + 1
        }
        function new_source() {
            scope = value; sub(/[ \t].*/, "", scope)
            if (scope !~ /^[A-Za-z0-9_][A-Za-z0-9._-]*$/)
                bad("source: a name of letters, digits and . _ - is needed, which begins with neither . nor -")
            if (names[scope]++) bad(scope ": a second source of that name")
            if (!sub(/^[^ \t]*[ \t]+/, "", value) || value !~ /^\//) bad(scope ": a path that begins with / is needed")
        }
        BEGIN {
            scope = "/"
            split("user remote encrypt-key seal-key", all); for (i in all) of_all[all[i]]
            split("full-if-older-than keep options before after", any); for (i in any) of_any[any[i]]
            split("exclude include identity", own); for (i in own) of_source[own[i]]
        }
        { sub(/^[ \t]+/, "") }
        /^(#|$)/ { next }
        /[ \t]$/ && NF > 1 { bad("ends with a blank") }
        /\r$/ { bad("ends with a carriage return") }
        /\177/ { bad("holds a zero or delete byte") }
        {
            word = $1; value = $0; sub(/^[^ \t]+[ \t]*/, "", value)
            if (word != "source" && !(word in of_all) && !(word in of_any) && !(word in of_source))
                bad(word ": no such keyword")
            if (value == "") bad(word ": needs a value")
            if (word in of_all && scope != "/") bad(word ": belongs before the first source")
            if (word in of_source && scope == "/") bad(word ": belongs below a source")
            if (word == "source") new_source()
            if (word ~ /^(user|remote|seal-key|identity|full-if-older-than|keep)$/) once()
            if (word == "remote" && value !~ /^[a-z0-9+.-]+:\/\/[^ \t]+$/) bad("remote: not a url")
            if (word == "user" && value !~ /^[a-z_][a-z0-9_-]*$/) bad("user: not a name for a user")
            if (word == "identity" && (value !~ /^[0-9a-f]+$/ || length(value) != 32))
                bad("identity: 32 hexadecimal digits in lower case are needed")
            if (word == "keep" && (value " ") !~ /^(--(older-than|keep-(full|inc-of-full|daily|weekly|monthly))[ =][0-9A-Za-z:+-]+ )+$/)
                bad("keep: no rules of moo prune, such as --keep-full 4 --older-than 6M")
            if (word == "options" && !closed(value)) bad("options: a quote or backslash is open")
            print scope, word, value
            found[word] = 1
        }
        END {
            if (failed) exit 2
            if (!found["remote"]) wrong("remote: missing")
            if (!found["encrypt-key"]) wrong("encrypt-key: missing")
            if (!found["source"]) wrong("source: missing")
        }'
}
