# shellcheck shell=sh
# The configuration, moobacker.toml(5), for the scripts that set up and check a machine: moo-config reads
# and checks it.
# Sourced after options.sh and call.sh, with $self set to the name that messages begin with.

conf_table='' store=''

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
    store=$(conf_stores | sed 1q)
}

# conf_rows SCOPE KEY: the values of that key, in order, one a line. The scope is a source, or / for all.
conf_rows() (
    printf '%s\n' "$conf_table" | while IFS=' ' read -r scope key value; do
        [ "$scope $key" != "$1 $2" ] || printf '%s\n' "$value"
    done
)

# conf_all KEY: the values of a key that holds for all sources.
conf_all() { conf_rows / "$1"; }

# conf_cron_checks: the line for cron that runs the checks, if any are configured.
# shellcheck disable=SC2154 # $here is the folder of the script that has sourced this
conf_cron_checks() { [ -z "$(conf_all checks)" ] || printf '%s\n' "0 7 * * * root $here/moo run-checks"; }

# conf_sources: the names of the sources, one a line.
conf_sources() { printf '%s\n' "$conf_table" | LC_ALL=C sed -n 's/^\([^ ]*\) source .*/\1/p'; }

# conf_stores: the names of the stores, one a line.
conf_stores() { conf_all remote | cut -d ' ' -f 1; }

# What follows is of the store that $store names; conf_read makes that the first one.

# of_store: from lines of STORE VALUE, the values of that store.
of_store() (
    while IFS=' ' read -r conf_of value; do
        [ "$conf_of" != "$store" ] || printf '%s\n' "$value"
    done
)

# conf_remote: its URL.
conf_remote() { conf_all remote | of_store; }

# conf_append_only: whether files can only be added to it.
conf_append_only() { conf_all append-only | grep -Fqx -e "$store"; }

# conf_stored: the sources that are backed up to it, one a line.
conf_stored() {
    conf_sources | while IFS= read -r conf_source; do
        [ -z "$(conf_url "$conf_source")" ] || printf '%s\n' "$conf_source"
    done
}

# conf_archive SOURCE: the name of the archive directory of a source in it.
conf_archive() { conf_rows "$1" store | of_store | cut -d ' ' -f 1; }

# conf_url SOURCE: the URL of a source in it.
conf_url() { conf_rows "$1" store | of_store | cut -d ' ' -f 2-; }

# conf_reach SOURCE: the words of how the folder of a source is reached, one a line.
conf_reach() { conf_rows "$1" reach | of_store; }

# conf_rules SOURCE: the words of the rules by which its sets are kept, one a line.
conf_rules() { conf_rows "$1" rule | of_store; }
