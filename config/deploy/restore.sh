#!/usr/bin/env bash
# Puts a saved database in the place of the present one, which is saved first:  restore.sh FILE
# A database of an older version is brought up to date. Nothing syncs until somebody says so.
set -euo pipefail
code=$(cd "$(dirname "$0")/../.." && pwd)
. "$code/config/deploy/common.sh"

[ -r "${1:-}" ] || fail "Say which file: $0 FILE"
file=$(realpath "$1")
pg_restore --list "$file" >/dev/null || fail "$file is no saved database. Nothing was changed."
saved=$("$code/config/deploy/backup.sh" "$state/backups" 2>/dev/null) || fail "The present database cannot be saved, so nothing was changed."
say "the present database is in $saved"
! has_systemd || systemctl stop pairwise-sync pairwise-web
url=$(setting DATABASE_URL)
# In place of everything that is there, as one transaction: after an error everything is as it was.
{
    echo 'SET client_min_messages = warning; BEGIN; DROP SCHEMA public CASCADE; CREATE SCHEMA public;'
    pg_restore --file=- --no-owner --no-privileges "$file" && echo 'COMMIT;'
} | as_user psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --output /dev/null "${url/postgres:/postgresql:}" ||
    fail "Nothing was changed; the line above says why."
manage migrate --no-input --verbosity 0
! has_systemd || systemctl start pairwise-web
manage doctor --no-accounts || say "Some of it needs you; the lines above say what"
say "Nothing syncs yet. Look at what would be written (pairwise preview NAME), then: systemctl start pairwise-sync"
