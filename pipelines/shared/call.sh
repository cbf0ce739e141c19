# shellcheck shell=sh
# shellcheck disable=SC2154 # set by who sources this file
# Reading the call of a script that needs the programs. Sourced after options.sh, with $here set to the
# folder that has the programs, or whose checkout has built them.

# program NAME: the path of one of the programs.
program() {
    for path in "$here/$1" "$here/../target/release/$1"; do
        if [ -x "$path" ]; then printf '%s\n' "$path" && return; fi
    done
    fail 1 "$here: has no programs: run cargo build --release --workspace, or install.sh"
}

# read_call COMMAND [WORD...]: sets the variables and defines the stages of a call, see moo-options(1); or
# ends the script.
read_call() {
    reader=$(program moo-options) || exit
    understood=$("$reader" "$@") || exit
    eval "$understood"
}
