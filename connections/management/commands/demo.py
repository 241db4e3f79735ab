"""`manage.py demo`: two real stores of contacts on this machine, watched while they become and stay the same."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import requests
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from connections.demo.people import cards, outlook_contacts
from connections.demo.servers import NotStarted, Servers, free_port

NAME = "demo/outlook-to-dav"
MAILBOX = "anna@demo.example"
LOGIN = "admin@demo.example"
PASSWORD = "demo"  # noqa: S105 - printed on purpose; everything listens on loopback only
BOOK = "/demo/contacts/"
MAKE_BOOK = """<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:set><D:prop><D:resourcetype>
<D:collection/><C:addressbook/></D:resourcetype><D:displayname>Contacts</D:displayname></D:prop></D:set></D:mkcol>"""
CONFIGURATION = """# What the demo applies; `manage.py export` prints the same form.
tenants:
  - slug: demo
    name: Demo
    region: BE
    accounts:
      - name: anna-outlook
        app: outlook
        base_url: {sandbox}/graph
        login_url: {sandbox}/microsoft
        credentials: {{access_token: "{access_token}", refresh_token: "{refresh_token}"}}
      - name: dav
        app: carddav
        base_url: http://127.0.0.1:{dav}/
        credentials: {{username: demo, password: demo}}
    connections:
      - name: outlook-to-dav
        a: {{account: anna-outlook, folder: Contacts}}
        b: {{account: dav, folder: {book}}}
        direction: both
        every: 3s
"""


class Command(BaseCommand):
    help = "Shows an Outlook folder and a CardDAV address book becoming and staying the same, on this machine alone."

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
            "APP_OUTLOOK_CLIENT_ID": "demo",
            "APP_OUTLOOK_BASE_URL": f"http://127.0.0.1:{ports['sandbox']}/graph",
            "APP_OUTLOOK_LOGIN_URL": f"http://127.0.0.1:{ports['sandbox']}/microsoft",
            "APP_OUTLOOK_SETTLE_AFTER": "5",
            "APP_OUTLOOK_VISIBLE_AFTER": "0",
            "LOG_LEVEL": "WARNING",
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
        self._start_workers()
        self._title("The plan: nothing has been written yet")
        call_command("preview", NAME)
        self._title("Syncing")
        call_command("sync", NAME)
        self._title("What happened")
        call_command("status", NAME)
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
        from connections.models import User  # noqa: PLC0415 - the command also runs where no database is yet

        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        User.objects.create_superuser(LOGIN, PASSWORD, name="Demo operator")

    def _start_stores(self) -> None:
        sandbox, dav = (entry.rpartition(":")[2] for entry in settings.ALLOWED_PRIVATE_HOSTS)
        self.sandbox, self.dav = f"http://127.0.0.1:{sandbox}", int(dav)
        database = str(self.root / "sandbox.sqlite3")
        self.servers.start("sandbox", ["manage.py", "sandbox", "--port", sandbox, "--path", database], int(sandbox))
        self.servers.start_radicale(self.dav, "demo", "demo")
        self._load_outlook()
        self._load_book()

    def _load_outlook(self) -> None:
        accounts = f"{self.sandbox}/control/outlook/accounts"
        made = requests.post(accounts, json={"email": MAILBOX, "name": "Anna Demo"}, timeout=30)
        made.raise_for_status()
        self.tokens = made.json()
        contacts = {"contacts": outlook_contacts(), "folder": "Contacts"}
        requests.post(f"{accounts}/{MAILBOX}/contacts", json=contacts, timeout=60).raise_for_status()

    def _load_book(self) -> None:
        with requests.Session() as session:
            session.auth = ("demo", "demo")
            book = f"http://127.0.0.1:{self.dav}{BOOK}"
            session.request("MKCOL", book, data=MAKE_BOOK, timeout=30).raise_for_status()
            for name, card in cards():
                headers = {"Content-Type": "text/vcard; charset=utf-8"}
                session.put(book + name, data=card.encode(), headers=headers, timeout=30).raise_for_status()

    def _configure(self) -> None:
        from connections.models import Connection, Membership, Role, Tenant, User  # noqa: PLC0415

        file = self.root / "demo.yaml"
        file.write_text(
            CONFIGURATION.format(
                sandbox=self.sandbox,
                dav=self.dav,
                book=BOOK,
                access_token=self.tokens["access_token"],
                refresh_token=self.tokens["refresh_token"],
            )
        )
        call_command("apply", str(file))
        operator = User.objects.get(email=LOGIN)
        Membership.objects.create(tenant=Tenant.objects.get(), user=operator, role=Role.OWNER)
        # The workers wait until the plan was shown.
        Connection.objects.update(due_at=timezone.now() + timedelta(hours=1))

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
        from connections.models import Change  # noqa: PLC0415

        self._title("Syncing again: there must be nothing left to write")
        before = Change.objects.count()
        call_command("sync", NAME)
        written = Change.objects.count() - before
        if written:
            raise CommandError(f"The second sync made {written} changes; it should have made none.")
        self.stdout.write(self.style.SUCCESS("The second sync wrote nothing."))

    def _stay(self) -> None:
        self._title("It keeps running; edit a contact on either side and look at the other")
        rows = (
            ("Admin", f"{settings.PUBLIC_URL}/admin/", f"{LOGIN} / {PASSWORD}"),
            ("Connected accounts", f"{settings.PUBLIC_URL}/tenants/demo/accounts/", "the same"),
            ("Outlook (sandbox)", f"{self.sandbox}/outlook/", "no log-in"),
            ("Address book (Radicale)", f"http://127.0.0.1:{self.dav}/", "demo / demo"),
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


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
