# The packages of Debian that the build and the tests need, and how they get here.
# Sourced by scripts: need_packages, need_rust, need_rust_tools, provide_duplicity_new, provide_s3_server,
# provide_gnupg_new. Each is quiet when all is there; else it prints one line that says what is missing and
# how to install it, and returns 1.
# shellcheck shell=sh

# What cargo build needs: a C compiler, OpenSSL, libclang for its bindings, and what builds ISA-L.
# shellcheck disable=SC2034 # for those who source this file
build_packages='gcc libc6-dev pkg-config libssl-dev libclang-dev make nasm autoconf automake libtool'
# What the tests need besides: the peers, and the tools that read what we write.
# shellcheck disable=SC2034 # for those who source this file
test_packages='gnupg mandoc groff-base duplicity rdiff shellcheck procps python3 python3-venv curl openssh-server openssh-client sudo cron iproute2 python3-pexpect python3-prometheus-client python3-jsonschema strace acl attr libcap2-bin rclone time exfat-fuse exfatprogs ntfs-3g faketime e2fsprogs dosfstools btrfs-progs fuse3 rsync python3-fusepy bash-completion zsh fish dpkg-dev lintian systemd restic borgbackup postgresql mariadb-server-core mariadb-client sqlite3 jq duply'

# What only the long tests need: Déjà Dup, and a screen for it.
# shellcheck disable=SC2034 # for those who source this file
long_packages='deja-dup xvfb xauth dbus-x11 at-spi2-core python3-pyatspi'

# Installs those that are missing.
need_packages() {
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    install_packages "$missing" && missing=$(missing_packages "$@") && [ -z "$missing" ] && return 0
    echo "missing packages: install them with: apt-get install $missing" >&2
    return 1
}

# Those of the packages that are not installed, in a line.
missing_packages() {
    found='' native=$(dpkg --print-architecture)
    for package; do
        # Those of other architectures may be there too.
        dpkg-query -W -f '${Architecture} ${db:Status-Status}\n' "$package" 2>/dev/null |
            grep -qxE "(all|$native) installed" || found="$found${found:+ }$package"
    done
    printf '%s\n' "$found"
}

# Installs a line of packages, with fresh package lists if the old ones do not do.
install_packages() {
    command -v apt-get >/dev/null || return 1
    apt_install "$1" >/dev/null 2>&1 && return
    { as_root apt-get -qq update && apt_install "$1"; } >/dev/null 2>&1
}

apt_install() {
    # shellcheck disable=SC2086 # a line of words
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $1
}

# Runs a command as root, if that goes without a question.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# There is a cargo, in PATH or where rustup puts it.
need_rust() {
    PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
    command -v cargo >/dev/null && return
    echo 'missing cargo: install Rust with rustup, see https://rustup.rs' >&2
    return 1
}

# There are rustfmt and clippy, which a minimal rustup leaves out.
need_rust_tools() {
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && return
    echo 'missing rustfmt or clippy: install them with: rustup component add rustfmt clippy' >&2
    return 1
}

# Sets MOO_DUPLICITY_NEW to the newest duplicity, from PyPI in the given folder unless it is
# there or the variable is set already. What it needs for stores of the net is left out.
provide_duplicity_new() {
    [ -z "${MOO_DUPLICITY_NEW:-}" ] || return 0
    MOO_DUPLICITY_NEW=$1/bin/duplicity
    export MOO_DUPLICITY_NEW
    [ ! -x "$MOO_DUPLICITY_NEW" ] || return 0
    mkdir -p "$(dirname "$1")" && /usr/bin/python3 -m venv --clear "$1" &&
        "$1/bin/pip" --quiet install --no-deps duplicity fasteners && return
    echo "missing the newest duplicity: set MOO_DUPLICITY_NEW, or make pip install it in $1" >&2
    return 1
}

# Sets MOO_S3_SERVER to a server of S3's interface that keeps all in memory, moto from PyPI in the
# given folder, unless it is there or the variable is set already.
provide_s3_server() {
    [ -z "${MOO_S3_SERVER:-}" ] || return 0
    MOO_S3_SERVER=$1/bin/moto_server
    export MOO_S3_SERVER
    [ ! -x "$MOO_S3_SERVER" ] || return 0
    mkdir -p "$(dirname "$1")" && /usr/bin/python3 -m venv --clear "$1" &&
        "$1/bin/pip" --quiet install 'moto[server]' && return
    echo "missing a server of S3: set MOO_S3_SERVER to moto_server, or make pip install moto in $1" >&2
    return 1
}

# Sets MOO_GNUPG_NEW to the folder with the gpg of Debian 13, 2.4, with the libraries that it needs, in the
# given folder unless it is there or the variable is set already. apt checks the archive's signature, and
# nothing is installed.
provide_gnupg_new() {
    [ -z "${MOO_GNUPG_NEW:-}" ] || return 0
    MOO_GNUPG_NEW=$1/bin
    export MOO_GNUPG_NEW
    [ ! -x "$MOO_GNUPG_NEW/gpg" ] || return 0
    rm -rf "$1" && fetch_gnupg_new "$1" && return
    echo "missing GnuPG 2.4: set MOO_GNUPG_NEW to a folder with its gpg, or make apt-get download it to $1" >&2
    return 1
}

# The packages that gpg and gpg-agent of Debian 13 consist of; all others are in Debian 12 too.
gnupg_packages='gpg gpg-agent gpgconf libc6 libgpg-error0 libassuan9 libgcrypt20 libtinfo6 libreadline8t64
    libbz2-1.0 libksba8 libnpth0t64 libsqlite3-0 zlib1g'

debian_mirror() {
    # shellcheck disable=SC2016 # for apt-get
    apt-get indextargets --format '$(REPO_URI)' 'ORIGIN: Debian' 'LABEL: Debian' | sed 1q
}

fetch_gnupg_new() (
    mkdir -p "$1/apt/lists/partial" "$1/apt/archives/partial" "$1/root" "$1/new" && cd "$1" || return
    unpacked=$PWD
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    # From the mirror that this machine uses. Its lists may be missing until an update.
    [ -n "$(debian_mirror)" ] || as_root apt-get -qq update
    echo "deb [signed-by=$keyring] $(debian_mirror) trixie main" >apt/sources.list
    : >apt/status
    set -- -qq -o Dir::Etc::SourceList="$unpacked/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$unpacked/apt/lists" -o Dir::State::status="$unpacked/apt/status" \
        -o Dir::Cache="$unpacked/apt" -o APT::Sandbox::User=root
    # shellcheck disable=SC2086 # a list of words
    apt-get "$@" update && cd apt/archives && apt-get "$@" download $gnupg_packages || return
    for package in *.deb; do dpkg-deb -x "$package" "$unpacked/root" || return; done
    cd "$unpacked" || return
    # Its own loader and libraries, since those of Debian 12 are older.
    for program in gpg gpg-agent; do
        agent=''
        [ "$program" = gpg-agent ] || agent="--agent-program '$unpacked/bin/gpg-agent'"
        cat >"new/$program" <<END
#!/bin/sh
root='$unpacked/root/usr'
exec "\$root/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" --library-path "\$root/lib/x86_64-linux-gnu" \\
    "\$root/bin/$program" $agent "\$@"
END
        chmod +x "new/$program" || return
    done
    rm -rf apt && mv new bin
) >/dev/null 2>&1
