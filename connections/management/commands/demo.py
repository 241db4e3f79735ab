"""`manage.py demo`: two real stores of contacts on this machine, watched while they become and stay the same."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import yaml
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from connections.demo.servers import NotStarted, Servers, free_port
from connections.demo.stores import CLIENT, SECRET, Stores
from connections.models import Change, Membership, Role, Tenant, User
from connectors import registry

NAMES = ("demo/outlook-to-dav", "demo/outlook-to-hubspot", "demo/outlook-to-salesforce")
LOGIN = "admin@demo.example"
PASSWORD = "demo"  # noqa: S105 - printed on purpose; everything listens on loopback only


class Command(BaseCommand):
    help = "Shows Outlook folders becoming and staying the same as an address book, HubSpot and Salesforce, here alone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="sync, print what happened, sync again, and leave")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            self._start_apart(options["once"])
        for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell in the background ignores Ctrl-C for us
            signal.signal(number, _interrupt)
        self.root = Path(settings.DATA_DIR)
        self.servers = Servers(self.root)
        try:
            self._show(options["once"])
        except NotStarted as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("\nStopping.")
        finally:
            self.servers.stop()

    def _start_apart(self, once: bool) -> None:
        """Begins again in an environment of the demo's own, which no database and no key of a real site reaches."""
        root = Path(settings.BASE_DIR) / "var" / "demo"
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        ports = {"sandbox": free_port(8400), "dav": free_port(5232), "web": free_port(8500)}
        unwanted = ("DATABASE_URL", "REDIS_URL", "QUEUE_BROKER", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "EMAIL_URL")
        env = {key: value for key, value in os.environ.items() if key not in unwanted and not key.startswith("APP_")}
        env |= {
            "DEMO": "true",
            "DATA_DIR": str(root),
            "PUBLIC_URL": f"http://127.0.0.1:{ports['web']}",
            "WEBHOOKS": "on",
            "ALLOWED_PRIVATE_HOSTS": f"127.0.0.1:{ports['sandbox']},127.0.0.1:{ports['dav']}",
            "LOG_LEVEL": "WARNING",
            **_apps(f"http://127.0.0.1:{ports['sandbox']}"),
        }
        command = [sys.executable, sys.argv[0], "demo", *(["--once"] if once else [])]
        self.stdout.flush()
        os.execve(sys.executable, command, env)  # noqa: S606 - ourselves

    # ---- the show

    def _show(self, once: bool) -> None:
        self._banner()
        self._prepare_database()
        self._start_stores()
        self._configure()
        for name in NAMES:
            self._title(f"The plan of {name}: nothing has been written yet")
            call_command("preview", name)
        self._title("Syncing")
        for name in NAMES:
            call_command("sync", name)
        self._start_workers()  # who would not wait for the plan to be shown
        self._title("What happened")
        call_command("status")
        if once:
            self._prove_quiet()
        else:
            self._stay()

    def _banner(self) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING("Pairwise demo") + ": made-up people, this machine only.")
        self.stdout.write(f"All of it lies in {self.root}; `make clean-demo` removes it.")

    def _title(self, text: str) -> None:
        self.stdout.write("\n" + self.style.MIGRATE_HEADING(text))
        self.stdout.flush()

    def _prepare_database(self) -> None:
        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        User.objects.create_superuser(LOGIN, PASSWORD, name="Demo operator")

    def _start_stores(self) -> None:
        sandbox, dav = (int(entry.rpartition(":")[2]) for entry in settings.ALLOWED_PRIVATE_HOSTS)
        self.stores = Stores(f"http://127.0.0.1:{sandbox}", dav, settings.PUBLIC_URL)
        database = str(self.root / "sandbox.sqlite3")
        self.servers.start("sandbox", ["manage.py", "sandbox", "--port", str(sandbox), "--path", database], sandbox)
        self.servers.start_radicale(dav, "demo", "demo")
        webhooks = registry.app("hubspot").webhooks
        self.stores.fill(webhooks.events if webhooks else ())

    def _configure(self) -> None:
        file = self.root / "demo.yaml"
        said = "# What the demo applies; `manage.py export` prints the same form.\n"
        file.write_text(said + yaml.safe_dump(self.stores.configuration(), sort_keys=False))
        call_command("apply", str(file))
        operator = User.objects.get(email=LOGIN)
        Membership.objects.create(tenant=Tenant.objects.get(), user=operator, role=Role.OWNER)

    def _start_workers(self) -> None:
        web = int(settings.PUBLIC_URL.rpartition(":")[2])
        self.servers.start("workers", ["manage.py", "supervise"])
        gunicorn = [
            "-m",
            "gunicorn",
            "config.wsgi",
            "--bind",
            f"127.0.0.1:{web}",
            "--threads",
            "4",
            "--no-control-socket",
        ]
        self.servers.start("web", gunicorn, web)

    def _prove_quiet(self) -> None:
        self._title("Syncing again: there must be nothing left to write")
        before = Change.objects.count()
        for name in NAMES:
            call_command("sync", name)
        written = Change.objects.count() - before
        if written:
            raise CommandError(f"The second sync made {written} changes; it should have made none.")
        self.stdout.write(self.style.SUCCESS("The second sync wrote nothing."))

    def _stay(self) -> None:
        self._title("It keeps running; edit a contact on either side and look at the other")
        rows = (
            ("Admin", f"{settings.PUBLIC_URL}/admin/", f"{LOGIN} / {PASSWORD}"),
            ("Connected accounts", f"{settings.PUBLIC_URL}/tenants/demo/accounts/", "the same"),
            ("Outlook (sandbox)", f"{self.stores.sandbox}/outlook/", "no log-in"),
            ("HubSpot (sandbox)", f"{self.stores.sandbox}/hubspot/pages/", "no log-in"),
            ("Salesforce (sandbox)", f"{self.stores.sandbox}/salesforce/pages/", "no log-in"),
            ("Address book (Radicale)", f"http://127.0.0.1:{self.stores.dav}/", "demo / demo"),
        )
        for name, address, login in rows:
            self.stdout.write(f"  {name:24} {address:36} {login}")
        self.stdout.write("\nCtrl-C stops everything.")
        self.stdout.flush()
        while True:
            time.sleep(1)
            dead = self.servers.dead()
            if dead:
                raise CommandError(f"The {dead} process has stopped; {self.root / dead}.log says why.")


def _apps(sandbox: str) -> dict[str, str]:
    """The settings of the apps: the sandbox stands for each of them."""
    own = {
        "OUTLOOK": {"BASE_URL": f"{sandbox}/graph", "LOGIN_URL": f"{sandbox}/microsoft", "VISIBLE_AFTER": "0"},
        "HUBSPOT": {"BASE_URL": f"{sandbox}/hubspot", "LOGIN_URL": f"{sandbox}/hubspot", "CLIENT_SECRET": SECRET},
        "SALESFORCE": {"LOGIN_URL": f"{sandbox}/salesforce"},
    }
    common = {"CLIENT_ID": CLIENT, "SETTLE_AFTER": "5"}
    return {f"APP_{app}_{name}": value for app, values in own.items() for name, value in {**common, **values}.items()}


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
