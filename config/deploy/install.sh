#!/usr/bin/env bash
# From a bare Debian (12 or newer) to a running site, and later from one version to the next. As root, from the copy of the
# code that is to run, which stays where it is:
#
#   /opt/pairwise/config/deploy/install.sh https://pairwise.example.com you@example.com
#
# The address is needed the first time only; the other one is that of the first member of staff. All that is set stands in
# /etc/pairwise/pairwise.env and is never overwritten. Each step may be repeated. Steps that you take care of yourself are
# left out by naming them in PAIRWISE_WITHOUT, separated by blanks:
#   packages   PostgreSQL, Redis, Caddy and Python from Debian
#   database   the database and its owner (then put DATABASE_URL into the environment the first time)
#   user       the user of the system that runs it (then PAIRWISE_USER names one)
#   python     the Python packages, in .venv
#   proxy      Caddy in front, with a certificate that it gets by itself
#   services   units of systemd
set -euo pipefail

code=$(cd "$(dirname "$0")/../.." && pwd)
. "$code/config/deploy/common.sh"

public_url=${1:-}
email=${2:-}

need_root() { [ "$(id -u)" = 0 ] || ! wanted user || fail "Run this as root: it makes a user, a database and services."; }

packages() {
    command -v apt-get >/dev/null || fail "There is no apt-get here. Install Python 3.11, PostgreSQL and Redis, and set PAIRWISE_WITHOUT=packages."
    export DEBIAN_FRONTEND=noninteractive
    apt-get update --quiet=2
    apt-get install --yes --quiet=2 --no-install-recommends python3 python3-venv postgresql redis-server curl ca-certificates
    ! wanted proxy || apt-get install --yes --quiet=2 --no-install-recommends caddy
}

system_user() {
    id "$user" >/dev/null 2>&1 || adduser --quiet --system --group --home "$state" --no-create-home "$user"
}

places() {
    install -d -m 0750 -o "$owner" -g "$group" "$etc"
    install -d -m 0750 -o "$user" -g "$group" "$state"
}

database() {
    has_systemd || pg_ctlcluster --skip-systemctl-redirect "$(pg_lsclusters -h | awk 'NR == 1 {print $1}')" main start || true
    as_postgres psql --quiet --no-align --tuples-only -c "SELECT 1 FROM pg_roles WHERE rolname = '$user'" | grep -q 1 ||
        as_postgres createuser "$user"
    as_postgres psql --quiet --no-align --tuples-only -c "SELECT 1 FROM pg_database WHERE datname = '$user'" | grep -q 1 ||
        as_postgres createdb --owner "$user" --encoding UTF8 --template template0 "$user"
}

# Over the socket, where PostgreSQL knows the user of the system. A second cluster of a machine has another port.
own_database() {
    local port
    port=$(as_postgres psql --quiet --no-align --tuples-only -c 'SHOW port')
    echo "postgres://$user@/$user?host=/var/run/postgresql$([ "$port" = 5432 ] || echo "&port=$port")"
}

# A secret is made once and never again: with other keys nothing that was stored could be read.
secret() { # secret FILE CODE
    [ -e "$etc/$1" ] && return
    "$python" -c "$2" >"$etc/$1.new"
    chown "$owner:$group" "$etc/$1.new"
    chmod 0640 "$etc/$1.new"
    mv "$etc/$1.new" "$etc/$1"
}

settings() {
    secret secret_key 'import secrets; print(secrets.token_urlsafe(50))'
    secret encryption_keys 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'
    [ -e "$settings_file" ] && return
    [ -n "$public_url" ] || fail "Say at which address people will reach it: $0 https://pairwise.example.com you@example.com"
    local text
    text=$(<"$code/config/deploy/pairwise.env")
    text=${text//@PUBLIC_URL@/"$public_url"}
    text=${text//@DATABASE_URL@/"${DATABASE_URL:-$(own_database)}"}
    text=${text//@REDIS_URL@/"${REDIS_URL:-redis://127.0.0.1:6379/0}"}
    text=${text//@ETC@/"$etc"}
    printf '%s\n' "${text//@STATE@/"$state"}" >"$settings_file.new"
    chown "$owner:$group" "$settings_file.new"
    chmod 0640 "$settings_file.new"
    mv "$settings_file.new" "$settings_file"
}

python_packages() {
    [ -x "$code/.venv/bin/python" ] || python3 -m venv "$code/.venv"
    "$python" -m pip install --quiet --disable-pip-version-check -r "$code/requirements.txt"
}

units() {
    local name
    for name in web sync; do
        sed -e "s|@CODE@|$code|g" -e "s|@SETTINGS@|$settings_file|g" -e "s|@USER@|$user|g" -e "s|@STATE@|$state|g" \
            "$code/config/deploy/pairwise-$name.service" >"$unit_dir/pairwise-$name.service"
    done
    printf '#!/bin/sh\n# Commands of Pairwise with the settings of this machine: pairwise doctor\nexec "%s" "$@"\n' \
        "$code/config/deploy/manage.sh" >"$bin_dir/pairwise"
    chmod 0755 "$bin_dir/pairwise"
}

proxy() {
    local address
    address=$(setting PUBLIC_URL)
    printf '%s {\n    encode zstd gzip\n    reverse_proxy 127.0.0.1:8000\n}\n' "$address" >/etc/caddy/pairwise.caddy
    grep -qs 'import /etc/caddy/pairwise.caddy' /etc/caddy/Caddyfile || echo 'import /etc/caddy/pairwise.caddy' >>/etc/caddy/Caddyfile
    ! has_systemd || systemctl reload-or-restart caddy
}

site() {
    if is_running; then
        say "saving the database before anything changes"
        "$code/config/deploy/backup.sh" "$state/backups" >/dev/null
        systemctl stop pairwise-sync
    fi
    manage migrate --no-input --verbosity 0
    manage collectstatic --no-input --verbosity 0
    manage check --deploy --fail-level ERROR
}

# The password is shown once; a second factor is set up when it is used first.
first_of_staff() {
    [ -n "$email" ] || return 0
    local password
    password=$("$python" -c 'import secrets; print(secrets.token_urlsafe(12))')
    if DJANGO_SUPERUSER_PASSWORD=$password manage createsuperuser --no-input --email "$email" >/dev/null 2>&1; then
        printf '\nSign in at %s/admin/ as %s with the password  %s\nand change it there. It is not shown again.\n' \
            "$(setting PUBLIC_URL)" "$email" "$password"
    else
        say "$email is known already, or is no address: nobody was added"
    fi
}

start() {
    systemctl daemon-reload
    systemctl enable --quiet pairwise-web pairwise-sync
    systemctl restart pairwise-web pairwise-sync
    local host what
    host=$(setting PUBLIC_URL | cut -d/ -f3)
    for what in ready queue; do
        local left=90
        until curl --silent --fail --output /dev/null --header "Host: $host" "http://127.0.0.1:8000/health/$what"; do
            [ $((left--)) -gt 0 ] || fail "Not $what after 90 seconds. Read: journalctl -u pairwise-web -u pairwise-sync -n 50"
            sleep 1
        done
    done
}

need_root
step packages packages
step user system_user
say "places"
places
step database database
step python python_packages
say "settings in $settings_file"
settings
say "database and pages"
site
step services units
step proxy proxy
if wanted services && has_systemd; then
    say "starting"
    start
elif wanted services; then
    say "systemd is not at work here: nothing is started"
fi
first_of_staff
manage doctor --no-accounts || say "Some of it needs you; the lines above say what"
