# shellcheck shell=sh
# The configuration, moobacker.toml(5), for the scripts that set up and check a machine: moo-config reads
# and checks it.
# Sourced after options.sh and call.sh, with $self set to the name that messages begin with.

# conf_default: the configuration of the machine: that of version 0.1 if there is no other.
conf_default() {
    conf_file=/etc/moobacker/moobacker.toml
    [ -e "$conf_file" ] || [ ! -e /etc/moobacker/backup.conf ] || conf_file=/etc/moobacker/backup.conf
    printf '%s\n' "$conf_file"
}

# conf_read FILE: reads and checks it all, or fails with status 2. Root takes it only from a file
# that nobody else could have written. FILE - is standard input.
conf_read() {
    conf_reader=$(program moo-config) || exit
    conf_table=$("$conf_reader" --config "$1" rows 2>&1) || {
        conf_table=${conf_table#moo config: }
        fail 2 "${conf_table#standard input: }"
    }
}

# conf_rows SCOPE KEY: the values of that key, in order, one a line. The scope is a source, or / for all.
conf_rows() (
    printf '%s\n' "$conf_table" | while IFS=' ' read -r scope key value; do
        [ "$scope $key" != "$1 $2" ] || printf '%s\n' "$value"
    done
)

# conf_all KEY: the values of a key that holds for all sources.
conf_all() { conf_rows / "$1"; }

# conf_sources: the names of the sources, one a line.
conf_sources() { printf '%s\n' "$conf_table" | LC_ALL=C sed -n 's/^\([^ ]*\) source .*/\1/p'; }

# conf_first SOURCE KEY: the word at that place of the row of the source's first store: 1 the store, 2
# the archive directory, 3 the URL.
conf_first() { conf_rows "$1" store | sed 1q | cut -d ' ' -f "$2"; }

# conf_url SOURCE: its URL in its first store.
conf_url() { conf_first "$1" 3; }

# conf_reach SOURCE [STORE]: the words of how its folder in that store, or the first one, is reached, one
# a line.
conf_reach() {
    set -- "$1" "${2:-$(conf_first "$1" 1)}"
    conf_rows "$1" reach | while IFS=' ' read -r store word; do
        [ "$store" != "$2" ] || printf '%s\n' "$word"
    done
}
