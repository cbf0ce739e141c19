#!/bin/sh
# Makes the golden stores beside this file: what a released moobacker, and both duplicities, wrote.
# usage: make.sh FOLDER PIPELINES DUPLICITY DUPLICITY_NEW
# FOLDER is new; PIPELINES is that of the release. Every later commit restores and extends what
# this wrote, so what is committed is never made anew: a later release gets a folder beside it.
set -eu
out=$1 moo=$2/moo old=$3 new=$4
umask 022
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'gpgconf --kill all; rm -rf "$work"' EXIT
export HOME="$work" GNUPGHOME="$work/gnupg" XDG_STATE_HOME="$work/state" XDG_CACHE_HOME="$work/cache" TZ=UTC LC_ALL=C.UTF-8
mkdir -m 700 "$GNUPGHOME"
cd "$work"

# text N LINES: lines that no two numbers share.
text() {
    awk -v seed="$1" -v lines="$2" 'BEGIN { srand(seed); for (i = 0; i < lines; i++) print i, rand(), rand() }'
}

# state N: the source as it is on day N.
state() {
    case $1 in
        1)
            mkdir -p src/folder/deep src/empty src/gone
            echo 'hello' >src/hello
            text 1 9000 >src/large
            text 2 40 >src/folder/deep/file
            printf 'latin1 \351\n' >"$(printf 'src/n\351me')"
            echo 'blank and "quote"' >'src/a "quoted" name'
            echo gone >src/gone/file
            ln -s ../hello src/folder/link
            ln src/hello src/hello.hard
            mkfifo src/fifo
            chmod 600 src/large && chmod 4755 src/hello && chmod 700 src/folder
            ;;
        2)
            { head -n 4000 src/large && text 3 100 && tail -n +4001 src/large; } >new && cat new >src/large && rm new
            rm -r src/gone
            echo changed >src/folder/deep/file
            mkdir src/new && echo new >src/new/file
            ;;
        3)
            text 4 10 >>src/large
            rm src/folder/link && mkdir src/folder/link && echo in >src/folder/link/file
            mv src/new src/renamed
            ;;
    esac
    find src -depth -exec touch -h -d "2026-0$1-02 03:04:05" {} +
    listing src >"$out/states/$1"
}

# listing FOLDER: a line an object, and one a file's content.
listing() (
    cd "$1"
    find . ! -type d ! -type l -printf '%y %m %T@ %P\n' | LC_ALL=C sort
    find . -type l -printf '%y %l %P\n' | LC_ALL=C sort
    find . -type d -printf '%y %m %P\n' | LC_ALL=C sort
    find . -type f -exec sha256sum {} + | LC_ALL=C sort
)

# days NAME COMMAND…: three states, each stored by the command, whose word DAY is the day.
days() {
    rm -rf src
    for day in 1 2 3; do
        state $day
        "$@"
        sleep 2
    done
}

mkdir -p "$out/states" "$out/keys"
"$moo" keygen --no-passphrase "$out/keys/backup" >/dev/null
"$moo" keygen --no-passphrase --sign-only "$out/keys/host" >/dev/null
gpg -q --batch --import "$out/keys/backup.secret.pgp"
echo 'trust-model always' >"$GNUPGHOME/gpg.conf"
key=$(gpg --list-keys --with-colons | awk -F: '/^fpr/ { print $10; exit }')

sealed() {
    "$moo" backup --archive-dir "$out/sealed" --name archive --volsize 1 --encrypt-key "$out/keys/backup.cert.pgp" \
        --seal-key "$out/keys/host.secret.pgp" src "file://$out/sealed/store"
}
with_passphrase() {
    PASSPHRASE=golden "$moo" backup --archive-dir "$out/passphrase" --name archive --volsize 1 src "file://$out/passphrase/store"
}
stock() {
    # shellcheck disable=SC2086 # a line of words
    PASSPHRASE='' "$1" $2 --archive-dir "$out/$3" --name archive --volsize 1 --encrypt-key "$key" src "file://$out/$3/store" >/dev/null
}
by_old() { stock "$old" '' duplicity-old; }
by_new() { case $day in 1) stock "$new" full duplicity-new ;; *) stock "$new" inc duplicity-new ;; esac; }

mkdir -p "$out/sealed" "$out/passphrase" "$out/duplicity-old/store" "$out/duplicity-new/store"
days sealed
days with_passphrase
days by_old
days by_new
find "$out" -name lockfile -delete
