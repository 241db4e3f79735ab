#!/usr/bin/env bash
# Saves the database into a folder:  backup.sh /srv/backups
# The keys are not in it: whoever had both could read all credentials. Keep /etc/pairwise/encryption_keys somewhere else.
set -euo pipefail
code=$(cd "$(dirname "$0")/../.." && pwd)
. "$code/config/deploy/common.sh"

[ $# = 1 ] || fail "Say where to: $0 FOLDER"
[ -d "$1" ] || install -d -m 0700 -o "$user" -g "$group" "$1"
folder=$(cd "$1" && pwd)
file=$folder/pairwise-$(date -u +%Y%m%dT%H%M%SZ).dump
url=$(setting DATABASE_URL)
(umask 077 && as_user pg_dump --format=custom --file="$file.part" "${url/postgres:/postgresql:}") ||
    fail "Nothing was saved; the line above says why."
mv "$file.part" "$file"
echo "$file"
say "The keys in $etc/encryption_keys are not in it. Without them the accounts must be connected anew: keep a copy elsewhere." >&2
