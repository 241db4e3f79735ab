#!/usr/bin/env bash
# A command of Pairwise, with the settings of this installation and as its user.
set -euo pipefail
code=$(cd "$(dirname "$0")/../.." && pwd)
. "$code/config/deploy/common.sh"
manage "$@"
