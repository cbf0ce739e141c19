#!/bin/sh
# demo.sh [FOLDER]: builds moobacker and shows its main job: a full backup, an increment, both states
# restored and compared. All that it makes is in a new folder below FOLDER (./demo of the checkout).
set -eu
checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
folder=demo
[ $# -eq 0 ] || folder=$(mkdir -p -- "$1" && CDPATH='' cd -- "$1" && pwd)
cd "$checkout"

die() { echo "demo.sh: $*" >&2 && exit 1; }

# Says what comes; then shows a command, as it can be typed in the checkout, and runs it.
step() {
    printf '\n# %s\n' "$1" && shift
    for command; do
        printf '%s\n' "$command"
        eval "$command" || die "failed: $command"
    done
}

case $folder in *[!A-Za-z0-9_./-]*) die "$folder: a name of letters, digits, and _ . - is needed" ;; esac
# shellcheck source-path=SCRIPTDIR source=../tests/packages.sh
. tests/packages.sh
need_rust || exit
# shellcheck disable=SC2086,SC2154 # a list of words, from packages.sh
need_packages $build_packages gnupg || exit
echo 'building (this takes some minutes the first time)'
cargo build --release --workspace

n=1
while [ -e "$folder/$n" ]; do n=$((n + 1)); done
d=$folder/$n
url=file://$d/store
mkdir -p "$d"
mkdir -m 700 "$d/gnupg"
# A copy, since it is going to be changed.
cp -R /usr/share/doc "$d/source"
(umask 077 && od -An -N 16 -t x1 /dev/urandom | tr -d ' \n' >"$d/passphrase")

step 'a key to encrypt to, locked with a passphrase; and a key of this host, to sign seals with' \
    "pipelines/moo keygen --passphrase-file $d/passphrase $d/backup" \
    "pipelines/moo keygen --sign-only $d/host"
backup="pipelines/moo backup --archive-dir $d --name archive \\
    --encrypt-key $d/backup.cert.pgp --seal-key $d/host.secret.pgp $d/source $url"
step 'a full backup; a good one prints nothing' "$backup"
time=$(basename "$d"/store/duplicity-full.*.manifest.gpg .manifest.gpg)
time=${time#duplicity-full.}
cp -R "$d/source" "$d/source.before"
step 'a change, and an increment' "cp tests/run $d/source/news" "rm -r $d/source/bash" "$backup"
restore="pipelines/moo restore --secret-key $d/backup.secret.pgp \\
    --passphrase-file $d/passphrase --seal-key $d/host.cert.pgp"
step 'both states again; the first one by its time' \
    "$restore $url $d/now" \
    "$restore --time $time $url $d/before"
step 'they are what they were' \
    "diff -r --no-dereference $d/source $d/now" \
    "diff -r --no-dereference $d/source.before $d/before"
step 'the seals, checked with nothing but gpg and sha256sum' \
    "gpg --homedir $d/gnupg -q --import $d/host.cert.pgp" \
    "(cd $d/store && for seal in *.seal; do
    gpg --homedir ../gnupg -q --trust-model always -d \$seal >../hashes &&
        sha256sum --quiet -c ../hashes || exit
done)"

printf '\nAll is well. What was made is in %s.\n' "$d"
