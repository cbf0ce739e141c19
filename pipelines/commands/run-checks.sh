#!/bin/sh
# moo run-checks: moo-each runs the checks of the configuration. This script prints the help, and says what is
# wrong if there is no configuration.
set -eu
self='moo run-checks'

here=$(CDPATH='' cd -P -- "${0%/*}/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/pipe.sh
. "$here/shared/pipe.sh"

read_pipe run-checks "$@"
fail 2 'needs a configuration, and its names instead of a URL; see moobacker.toml(5)'
