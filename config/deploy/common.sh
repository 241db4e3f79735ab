# Where an installation has its things, and words that the scripts share. `code` is set by whoever reads this.
user=${PAIRWISE_USER:-pairwise}
group=$(id -gn "$user" 2>/dev/null || echo "$user")
owner=$(id -un) # of the settings: root, but where somebody tries it without
etc=${PAIRWISE_ETC:-/etc/pairwise}
state=${PAIRWISE_STATE:-/var/lib/pairwise}
unit_dir=${PAIRWISE_UNITS:-/etc/systemd/system}
bin_dir=${PAIRWISE_BIN:-/usr/local/bin}
without=" ${PAIRWISE_WITHOUT:-} "
settings_file=$etc/pairwise.env
python=$code/.venv/bin/python

say() { printf '== %s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }
wanted() { [[ $without != *" $1 "* ]]; } # whether a step is not left out
step() { if wanted "$1"; then say "$1"; "$2"; fi; }
has_systemd() { [ -d /run/systemd/system ] && [ "$unit_dir" = /etc/systemd/system ]; }
is_running() { has_systemd && systemctl is-active --quiet pairwise-web; }
as_user() { if [ "$(id -un)" = "$user" ]; then "$@"; else runuser -u "$user" -- "$@"; fi; }
as_postgres() { (cd / && runuser -u postgres -- "$@"); }
manage() { (cd "$code" && SETTINGS_FILE=$settings_file as_user "$python" manage.py "$@"); }
setting() { (cd "$code" && SETTINGS_FILE=$settings_file as_user "$python" -c 'import sys; import config.settings; print(config.settings.env.str(sys.argv[1]))' "$1"); }
