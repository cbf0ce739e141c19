#!/bin/sh
# rescue.sh [-p PREFIX]... STORE DEST [TIME]: restores a folder from a store of moobacker or duplicity with
# nothing but gpg, tar, rdiff, gzip and coreutils. DEST must not exist. TIME is that of a set's file name:
# 20261122T201500Z. With -p, only files whose names begin so count: give one for each beginning of their names.
# What tar can't extract is named, all else comes back, and the status is 3.
# The secret key has to be in gpg's keyring. Run as root to get owners and devices back.
set -eu
LC_ALL=C; export LC_ALL
say() { printf 'rescue.sh: %s' "$*" | tr -c '[:print:]' '?' >&2; echo >&2; } # no name commands the terminal
die() { say "$@"; exit 1; }
lacking() { lacks=1; say "not everything was restored: $1"; }
plain() { # prints a file of the store
    case $1 in *.gpg) gpg -q -d "$1" ;; *.gz) gzip -dc "$1" ;; *) cat "$1" ;; esac || die "damaged: $1"
}
older() { set -- "${1%Z}" "${2%Z}"; [ "${1%T*}${1#*T}" -lt "${2%T*}${2#*T}" ]; }
last_of() { # moves the time $at to that of the last set among the manifests that is not after $until
    from=$at
    for file; do
        file=${file%.manifest*} time=${file##*.}
        if [ "$time" != '*' ] && older "$from" "$time" && ! older "$until" "$time"; then at=$time; fi
    done
    [ "$at" != "$from" ]
}
mend() { # sets $files: the store, or links to it if repaired files replace damaged ones, as the seal tells
    files=$store; set -- "$store/moobacker.$time".repaired.*
    [ -e "$1" ] || return 0
    rm -rf mended; mkdir mended; files=$work/mended its=mended/moobacker.$time.seal
    for file in "$store"/*"$time"*; do ln -s "$file" mended; done
    for file; do
        case $file in *.seal) gpg -q -d "$its" 2>seal.log | grep -q '^# set' || ln -sf "$file" "$its" ;; esac
    done
    gpg -q -d "$its" >seal 2>seal.log || :
    for file; do
        name=${file#*.repaired.*.} hash=$(sed -n "s/^\([0-9a-f]*\)  $name\$/\1/p" seal)
        ! echo "$hash  $file" | sha256sum --status -c 2>seal.log || ln -sf "$file" "mended/$name"
    done
}
check_seal() { # the backup it is of, and the hashes of all files of the set, if the signer is known
    if [ ! -e "$1" ]; then return
    elif gpg -q -d "$1" >seal 2>seal.log; then
        its=$(sed -n 's/^# identity //p' seal) identity=${identity:-$its}
        [ "${its:-$identity}" = "$identity" ] || die "another backup: $set is of $its, not of $identity"
        (cd "$files"; sha256sum --quiet -c -) <seal >&2 || die "damaged: $set"
    elif [ $? = 1 ]; then die "bad signature: $1"
    else say "not checked, unknown signer: $1"; fi
}
each() { # runs a command for each line of a list: $line as tar prints it, $name as it really is
    while IFS= read -r line; do
        case $line in *\\*) name=$(printf '%bx' "$line") name=${name%x} ;; *) name=$line ;; esac
        "$2"
    done <"$1"
}
prepare() { # refuses bad names, notes folders, clears the way for anything else
    case /$name/ in */../*) die "bad name: $line" ;; esac
    case $name in
    snapshot/*/) printf '%s\n' "$line" >>"list.$count" ;;
    snapshot/* | deleted/*) name=snapshot/${name#*/}; if [ -e "$name" ] || [ -h "$name" ]; then rm -rf "$name"; fi ;;
    diff/* | multivol_diff/*/* | multivol_snapshot/*/*) ;;
    *) die "bad name: $line" ;;
    esac
}
apply() { # opens folders to their owner until the end, notes links, joins the pieces of files
    case $name in
    snapshot/*/) [ ! -d "$name" ] || { [ -w "$name" ] && [ -x "$name" ]; } || chmod u+rwx "$name" ;;
    snapshot/*) [ ! -h "$name" ] || printf '%s\n' "$line" >>list.0 ;;
    diff/*) join "$name" ;;
    multivol_*) join "${name%/*}" ;;
    esac
}
excuse() { # names and skips what this machine can't hold; any other error of tar is damage or an attack
    cat tar.log >&2
    limits='File name too long|Operation not permitted|Operation not supported|Function not implemented'
    ! grep -Evq ": ($limits)\$|^tar: Exiting" tar.log || die "damaged: $1"
    lacking "$1"
}
join() { # adds a piece to the file that is open
    [ -e "$name" ] || return 0 # tar has said why it is not there
    [ "$1" = "$open" ] || { finish; open=$1; cp -p --attributes-only "$name" form; }
    cat "$name" >>body
}
finish() { # puts the file that is open into its place: its content, or what the delta makes of the old one
    [ "$open" ] || return 0
    file=snapshot/${open#*/}
    case $open in multivol_s*) mv body new ;; *) rdiff patch "$file" body new || die "damaged: $open of $set" ;; esac
    cp -p --attributes-only form new
    [ ! -d "$file" ] || rm -rf "$file"
    mv -T new "$file"; rm -f body form; open=
}
volume() { # until the end all links lead below /dev/null, so that nothing can be written through them
    if [ ! -e "$1" ]; then die "missing: $1"; fi
    echo "$(cat "sum.$n")  $1" | sha1sum --quiet -c - >&2 || die "damaged: $1"
    plain "$1" >tar; [ -s tar ] || return 0
    count=$((count + 1)); : >"list.$count"
    tar -tf tar --warning=none --quoting-style=escape >names || die "damaged: $1"
    each names prepare
    tar -xpf tar --warning=none --delay-directory-restore --anchored --exclude='deleted/*' \
        --transform='s,^,/dev/null/,RH' 2>tar.log || excuse "$1"
    : >keep; each "list.$count" still; mv keep "list.$count"
    tar -cf "tar.$count" --format=posix --no-recursion -T "list.$count"
    each names apply; rm -rf diff multivol_*
}
unprefixed() { # makes links to the files with the prefixes, which lack these
    links=$(mktemp -d "$dest.XXXXXX"); trap 'rm -rf "$links"' EXIT
    printf %s "$prefixes" | while IFS= read -r prefix; do
        for file in "$store/$prefix"duplicity-* "$store/$prefix"moobacker.*; do
            [ ! -e "$file" ] || ln -s "$file" "$links/${file#"$store/$prefix"}"
        done
    done
    store=$links identity=
}
still() { if [ -d "$name" ] || [ -h "$name" ]; then printf '%s\n' "$line" >>keep; fi; }

prefixes='' links=''
while [ "${1-}" = -p ] && [ $# -gt 1 ]; do prefixes=$prefixes$2'
'; shift 2; done
if [ $# -lt 2 ] || [ -e "$2" ] || [ -h "$2" ]; then
    die 'usage: rescue.sh [-p PREFIX]... STORE DEST [TIME], DEST must not exist'
fi
store=$(cd "$1"; pwd) until=${3:-99991231T235959Z} at=00000000T000000Z open='' count=0 lacks=0
kit=$(cd "$(dirname "$0")"; pwd) # which names the identities of the backups
identity=$(sed -n "s/^${store##*/} //p" "$kit/identities" 2>/dev/null || :)
case $until in [0-9]*[0-9]T[0-9]*[0-9]Z) ;; *) die "not a time of a set: $until" ;; esac
case $2 in /*) dest=$2 ;; *) dest=$PWD/$2 ;; esac
[ -z "$prefixes" ] || unprefixed
last_of "$store"/duplicity-full.*.manifest* || die "no backup of that time: $1"
sets=duplicity-full.$at
while last_of "$store/duplicity-inc.$at".to.*.manifest*; do sets="$sets duplicity-inc.$from.to.$at"; done
if last_of "$store"/duplicity-inc.*.manifest*; then die "missing: what set $at builds on; TIME $from is whole"; fi
work=$(mktemp -d "$dest.XXXXXX"); cd "$work"; : >list.0
trap '[ $? = 0 ] || echo "rescue.sh: stopped; restored files are in $work/snapshot" >&2; rm -rf "$links"' EXIT
for set in $sets; do
    time=${set##*.}; mend
    check_seal "$files/moobacker.$time.seal"
    plain "$files/$set".manifest* >manifest
    last=0; while read -r word value rest; do
        case $word-$value in Volume-*) last=${value%:} ;; Hash-SHA1) echo "$rest" >"sum.$last" ;; esac
    done <manifest
    n=1; while [ "$n" -le "$last" ]; do volume "$files/$set.vol$n".difftar*; n=$((n + 1)); done
    [ "$n" -gt 1 ] || die "damaged: manifest of $set"; finish; rm -f sum.*
done
# What is still there of the links and then, set by set, of the folders: their real targets, modes and times.
n=0; while [ "$n" -le "$count" ]; do : >keep; each "list.$n" still; mv keep "list.$n"; n=$((n + 1)); done
sort -u -o list.0 list.0; tar -cf tar.0 --format=posix --no-recursion -T list.0
n=0; while [ "$n" -le "$count" ]; do
    [ ! -s "list.$n" ] || tar -xpf "tar.$n" --warning=none --no-recursion --transform='s,^/dev/null/,,RH' -T "list.$n"
    n=$((n + 1))
done
mv -T snapshot "$dest"; cd /; rm -rf "$work" "$links"; trap - EXIT
[ "$lacks" = 0 ] || exit 3
