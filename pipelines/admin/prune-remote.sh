#!/bin/sh
# prune-remote.sh: deletes old sets on the machine that keeps them, for append-only accounts.
set -eu
self='prune-remote.sh'

usage() {
    cat <<'TEXT'
usage: prune-remote.sh [options] FOLDER

Delete old sets on the machine that keeps the backups (root only). List the sets in FOLDER that the
rules would delete; with --force, delete them. This needs no key. It goes by the times when files
arrived here, never by the dates in their names. A set that a kept set builds on is kept.

  --older-than AGE   keep what a restore of any state of that AGE or younger needs, such as 180D,
                     26W, 6M (of 30 days) or 1Y
  --keep-full N      keep the newest N full sets of different days, and all later sets
  --min-age AGE      ignore and keep files that arrived within the last AGE (30D)
  --strangers        of two files for one place in a set, also delete the one that no seal lists
  --force            delete the sets, and print nothing
  --file-prefix TEXT, --file-prefix-manifest TEXT, --file-prefix-archive TEXT,
  --file-prefix-signature TEXT, --file-prefix-jsonstat TEXT
                     use only the files whose names begin so, as the backup was made

With both rules, a set stays if one of them keeps it. The rules of moo prune for single states, such
as --keep-daily, do not exist here: an account that adds sets could displace good ones. Temporary
files are deleted after a week if no seal lists them.

Examples:
  moo prune-remote --older-than 6M /srv/purrbackups/backups/etc
  moo prune-remote --older-than 6M --keep-full 3 --force /srv/purrbackups/backups/etc
  moo prune-remote --older-than 6M --file-prefix web- /srv/purrbackups/backups/all
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/options.sh
. "$here/shared/options.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/steps.sh
. "$here/shared/steps.sh"

# seconds OPTION AGE: an age in seconds; numbers are short enough for any shell.
seconds() {
    number=${2%?} unit=${2#"${2%?}"}
    case $number in '' | *[!0-9]* | ??????*) unit='' ;; 0?*) number=${number#"${number%%[!0]*}"} ;; esac
    case $unit in
        D) echo "$((${number:-0} * 86400))" ;;
        W) echo "$((${number:-0} * 604800))" ;;
        M) echo "$((${number:-0} * 2592000))" ;;
        Y) echo "$((${number:-0} * 31536000))" ;;
        *) fail 2 "$1: $2: not an age, such as 90D, 12W, 6M or 1Y" ;;
    esac
}

# check_prefix OPTION TEXT: a prefix has characters that the names of our files have.
check_prefix() {
    case $2 in *[!A-Za-z0-9._-]* | .*)
        fail 2 "$1: $2: only letters, digits, _, - and, not at the start, dots are allowed"
        ;;
    esac
}

older='' full=0 min_age=30D force='' strangers=''
all='' manifest='' archive='' signature='' jsonstat=''
own_option() {
    case $2 in
        --file-prefix | --file-prefix-*) needs_value "$@" && check_prefix "$2" "$3" ;;
    esac
    case $2 in
        --file-prefix) all=$3 ;;
        --file-prefix-manifest) manifest=$3 ;;
        --file-prefix-archive) archive=$3 ;;
        --file-prefix-signature) signature=$3 ;;
        --file-prefix-jsonstat) jsonstat=$3 ;;
        --older-than) needs_value "$@" && older=$3 ;;
        --keep-full) needs_value "$@" && full=$3 ;;
        --min-age) needs_value "$@" && min_age=$3 ;;
        --strangers) strangers=yes ;;
        --force) force=yes ;;
        *) no_such_option "$2" ;;
    esac
}

read_options "$@"
eval "set -- $words"
[ $# -eq 1 ] || fail 2 'one folder is needed (see --help)'
folder=$1
case $full in *[!0-9]* | ???????* | '') fail 2 "--keep-full: $full: not a number" ;; esac
[ -n "$older$strangers" ] || [ "$full" -gt 0 ] ||
    fail 2 'a rule is needed, such as --older-than 6M (see --help)'
young=$(seconds --min-age "$min_age")
age=0
[ -z "$older" ] || age=$(seconds --older-than "$older")
[ "$(id -u)" = 0 ] || fail 1 'run as root: only root can do this'

# Whoever owns the folder may rename what is in it, but must not be able to put another in its place.
folder=${folder%/}
case $folder in /*) ;; *) folder=$PWD/$folder ;; esac
[ ! -L "$folder" ] || fail 1 "$folder: a symbolic link"
[ -d "$folder" ] || fail 1 "$folder: not a folder"
only_root_writes "$(dirname -- "$folder")"
[ "$(stat -c %d -- "$folder")" = "$(stat -c %d -- "$folder/..")" ] ||
    fail 1 "$folder: a file system of its own: the folder above has to be on it too"
cd -- "$folder"

# files: a line for each file that bears a name as ours: arrival, last write, inode, size, name. It
# has arrived when its content or its name last changed: nobody can set that time.
files() {
    find . -maxdepth 1 -type f ! -name '*[!A-Za-z0-9._-]*' \
        \( -name '*duplicity-*' -o -name '*moobacker.*.seal' -o -name '.upload-*' \) \
        -exec stat -c '%Z %Y %i %s %n' -- {} + | inner
}

# inner: these lines, of the files that have the prefixes, with the names that they have without them. A
# temporary file has them after its token. Of others, only one of another backup is no concern of ours.
inner() {
    awk -v manifest="$all$manifest" -v archive="$all$archive" -v signature="$all$signature" \
        -v jsonstat="$all$jsonstat" '
        function begins(text, start) { return substr(text, 1, length(start)) == start }
        function prefix_of(name) {
            if (name ~ /[.]sigtar/) return signature
            if (name ~ /[.]difftar/) return archive
            return name ~ /[.]jsonstat/ ? jsonstat : manifest
        }
        function plain(name,    rest) {
            rest = substr(name, length(prefix_of(name)) + 1)
            if (begins(name, prefix_of(name)) && rest ~ /^(duplicity-|moobacker[.])/) return rest
            return ""
        }
        BEGIN { is_free = manifest archive signature jsonstat == "" }
        {
            name = substr($5, 3)
            token = match(name, /^[.]upload-[^-]*-/) ? substr(name, 1, RLENGTH) : ""
            rest = plain(substr(name, length(token) + 1))
            if (rest == "" && (token == "" || !is_free || name ~ /(duplicity-|moobacker[.])/)) next
            print $1, $2, $3, $4, "./" (rest == "" ? name : token rest)
        }'
}

# outer NAME: the name in the folder of a file.
outer() {
    [ -n "$all$manifest$archive$signature$jsonstat" ] || { printf '%s' "$1" && return; }
    token=''
    case $1 in .upload-*) token=${1#.upload-*-} && token=${1%"$token"} ;; esac
    case $1 in
        *.sigtar*) kind=$signature ;;
        *.difftar*) kind=$archive ;;
        *.jsonstat*) kind=$jsonstat ;;
        *) kind=$manifest ;;
    esac
    printf '%s' "$token$all$kind${1#"$token"}"
}

# plan: a line for each file that goes, `go NAME INODE SIZE SET`, in the order in which they do: the
# newest set first, of a set the seal and then the manifest. Then what else is to be told.
plan() {
    awk -v now="$(date +%s)" -v by_age="${older:+1}" -v age="$age" -v full="$full" \
        -v young="$young" -f "$here/admin/prune-remote.awk" | sort -k 5,5r -k 6,6n -k 2,2
}

# seal_text FILE: the text of a seal. It is never encrypted. Without a seal key, it is the content of a
# message in armor, see moobacker-format(5).
seal_text() {
    [ -f "$1" ] && [ ! -L "$1" ] && IFS= read -r first <"./$1" || return 0
    case $first in
        '-----BEGIN PGP MESSAGE-----'*) head -c 67108864 -- "./$1" | armored | literal ;;
        *) cat -- "./$1" ;;
    esac
}

# seal_texts: the texts of all seals, also of those with the temporary name of an upload.
seal_texts() {
    for seal in "$all$manifest"moobacker.*.seal .upload-*-"$all$manifest"moobacker.*.seal; do
        seal_text "$seal"
    done
}

# armored: the bytes in an armor.
armored() {
    awk '/^[=-]/ && body { exit } body; /^\r?$/ { body = 1 }' | base64 -d 2>/dev/null
}

# literal: the content of an OpenPGP literal packet, whose length comes in parts (RFC 4880, 4.2.2 and 5.9).
literal() {
    od -An -v -tu1 | LC_ALL=C awk '
        BEGIN { state = "tag" }
        function begin(bytes, is_last) { left = bytes; last = is_last; state = "body" }
        function length_of(byte) {
            if (byte < 192) return begin(byte, 1)
            if (byte > 223 && byte < 255) return begin(2 ^ (byte - 224), 0)
            # Two or five bytes.
            state = "more"
            left = byte < 224 ? byte - 192 : 0
            more = byte < 224 ? 1 : 4
            added = byte < 224 ? 192 : 0
        }
        # The format, the name and the time come before the content.
        function body(byte) {
            if (++place == 2) head = 6 + byte
            if (place > 2 && place > head) printf "%c", byte
            if (--left) return
            if (last) exit
            state = "length"
        }
        function take(byte) {
            if (state == "body") body(byte)
            else if (state == "length") length_of(byte)
            else if (state == "more") { left = left * 256 + byte; if (!--more) begin(left + added, 1) }
            else if (byte == 203) state = "length"
            else exit
        }
        { for (i = 1; i <= NF; i++) take($i + 0) }'
}

# in_seals WORD...: a seal has a line that these words of grep find.
in_seals() {
    seal_texts | grep -qsF "$@"
}

# sealed FILE NAME: a seal has this name with the hash that the file has.
sealed() {
    file=$(outer "$1")
    [ -f "./$file" ] && [ ! -L "./$file" ] && in_seals -e "  $2" || return 1
    sum=$(timeout 3600 sha256sum <"./$file") || return 1
    in_seals -x -e "${sum%% *}  $2"
}

# seals_some FILE: FILE is a seal with a temporary name, and a file that it lists is here, by name. Then
# either an upload was interrupted when all files had arrived, or somebody renamed the files of a set.
seals_some() {
    case $1 in .upload-*-moobacker.*.seal) ;; *) return 1 ;; esac
    for listed in $(seal_text "$(outer "$1")" | sed -n 's/^[0-9a-f]\{64\}  \([A-Za-z0-9._-]*\)$/\1/p'); do
        listed=$(outer "$listed")
        for there in "$listed" .upload-*-"$listed"; do [ ! -f "./$there" ] || return 0; done
    done
    return 1
}

# without_sealed: the plan, where a temporary file stays that a seal lists, and so does the seal.
without_sealed() {
    while read -r word name rest; do
        case "$word $rest" in 'go '*' temporary 0')
            if sealed "$name" "${name#.upload-*-}"; then
                word=stays name="$name," rest='a temporary name, but a seal lists the file'
            elif seals_some "$name"; then
                word=stays name="$name," rest='a temporary name, but it is the seal of files that are here'
            fi
            ;;
        esac
        printf '%s\n' "$word${name:+ $name}${rest:+ $rest}"
    done
}

# without_twins: the plan, where the lines of twins say what each of them is. One goes with
# --strangers where another one for its place is sealed and it is not: who can add files could add
# seals too, but no seal takes from a good file that it is sealed.
without_twins() {
    places=''
    while read -r word rest; do
        case $word in twin) ;; *) printf '%s\n' "$word${rest:+ $rest}" && continue ;; esac
        places="$places$rest
"
    done
    [ -n "$places" ] || return 0
    printf '%s' "$places" | sort -u | while read -r name inode size; do
        if sealed "$name" "$name"; then printf 'sealed %s %s %s\n' "$name" "$inode" "$size"
        else printf 'loose %s %s %s\n' "$name" "$inode" "$size"; fi
    done | awk -v strangers="$strangers" '
        { place = $2; sub(/[.](gz|z|gpg|g|p7m)$/, "", place) }
        $1 == "sealed" { good[place] = 1 }
        $1 == "loose" { line[++n] = $2 " " $3 " " $4; name[n] = $2; of[n] = place }
        END {
            for (i = 1; i <= n; i++)
                if (!(of[i] in good))
                    print "stays " name[i] ", beside another file for its place, and no seal has either"
                else if (strangers) print "go", line[i], "strangers", 0
                else print "stays " name[i] ", a stranger beside a file of a set (--strangers removes it)"
        }'
}

# told: the plan in words, a line for each set.
told() {
    awk '
        $1 == "stays" { print "keep    " substr($0, 7); next }
        !($5 in size) { order[++sets] = $5 }
        { size[$5] += $4; files[$5]++; all += $4 }
        function mib(bytes) { return sprintf("%.1f MiB", bytes / 1048576) }
        END {
            for (i = 1; i <= sets; i++) {
                set = order[i]
                print "remove  " set ", files: " files[set] ", " mib(size[set])
            }
            print sets ? mib(all) " would be freed (with --force)" : "nothing would go"
        }'
}

# The owner of the folder could put a good file in the place of one that goes. So each goes where
# only root can reach it first, and is looked at there.
trash=$(dirname -- "$folder")/.moobacker-prune

# removed FILE: a file in the trash, INODE.NAME, is removed, if it is the one that was meant.
removed() {
    name=${1##*/}
    if [ "$(stat -c %i -- "$1")" = "${name%%.*}" ]; then
        rm -f -- "$1"
        return
    fi
    printf '%s\n' "$(legible "$self: ${name#*.}: was changed meanwhile, kept")" >&2
    mv -n -- "$1" "./${name#*.}"
}

remove_all() {
    [ -d "$trash" ] || mkdir -m 700 -- "$trash"
    only_root_writes "$trash"
    for file in "$trash"/*; do [ ! -e "$file" ] || removed "$file"; done
    while read -r go name inode _; do
        [ "$go" = go ] || continue
        name=$(outer "$name")
        # One that is gone already is as it should be.
        mv -- "./$name" "$trash/$inode.$name" 2>/dev/null || continue
        removed "$trash/$inode.$name"
    done
    rmdir -- "$trash"
}

planned=$(files | plan | without_sealed | without_twins)
case "
$planned
" in *'
none
'*) fail 10 "$folder: no full set is in it" ;; esac
if [ -n "$force" ]; then
    printf '%s\n' "$planned" | remove_all
else
    printf '%s\n' "$planned" | told
fi
