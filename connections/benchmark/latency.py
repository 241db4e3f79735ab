"""How soon an edit shows in the other app, end to end: from a person's edit in one sandbox to its value in the other,
through real processes (sandbox, web server, supervisor, cluster)."""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
import yaml
from django.conf import settings
from django.core.management import call_command

from connections.benchmark.measure import Measurement
from connections.demo.servers import Servers, free_port
from connections.models import Account, Connection, Subscription
from connectors.registry import app as declared

PEOPLE = 20
LONGEST = 60.0  # seconds after which an edit counts as not arrived
LOOK = 0.05  # seconds between two looks at the other app
PAUSES = (0.2, 2.0)  # seconds between two edits, at random
SETTLED = 90.0  # seconds for the first syncs and for the news to be ordered
SECRET = "a-secret-of-the-benchmark"  # noqa: S105 - of a sandbox of its own
OWNER = "anna@example.com"


def environment(folder: str) -> dict[str, str]:
    """What the processes of a measurement run with: a database and ports of their own."""
    sandbox, web = free_port(8410), free_port(8510)
    address = f"http://127.0.0.1:{sandbox}"
    apps = {"OUTLOOK": "graph", "HUBSPOT": "hubspot", "SALESFORCE": ""}
    return {
        "DEMO": "true",
        "DATA_DIR": folder,
        "PUBLIC_URL": f"http://127.0.0.1:{web}",
        "WEBHOOKS": "on",
        "ALLOWED_PRIVATE_HOSTS": f"127.0.0.1:{sandbox}",
        "LATENCY_SANDBOX": address,
        "LOG_LEVEL": "WARNING",
        **{f"APP_{app}_CLIENT_ID": "pairwise" for app in apps},
        **{f"APP_{app}_CLIENT_SECRET": SECRET for app in apps},
        **{f"APP_{app}_SETTLE_AFTER": "5" for app in apps},
    }


@dataclass(frozen=True)
class Place:
    """The contacts of one app of the sandbox, in the hands of their owner. `title`: its key for the job title."""

    app: str
    records: str  # address of all contacts, and of one with its id
    listed: str  # under which the answer lists them
    title: str
    email: Callable[[Mapping[str, Any]], str]

    def all(self) -> dict[str, dict[str, Any]]:
        """By email."""
        found = _asked("GET", self.records)[self.listed]
        return {self.email(_flat(one)): _flat(one) for one in found}

    def edit(self, id: str, title: str) -> None:
        _asked("PATCH", f"{self.records}/{quote(id, safe='')}", {self.title: title})


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, **record.get("properties", {}), "id": str(record.get("id") or record.get("Id"))}


def _outlook_email(one: Mapping[str, Any]) -> str:
    return str((one.get("emailAddresses") or [{}])[0].get("address", "")).lower()


def _control(path: str) -> str:
    return f"{os.environ['LATENCY_SANDBOX']}/control/{path}"


def _asked(method: str, url: str, body: Any = None) -> Any:
    answer = requests.request(method, url, json=body, timeout=30)
    answer.raise_for_status()
    return answer.json() if answer.content else {}


def places() -> dict[str, Place]:
    who = quote(OWNER)
    return {
        "outlook": Place(
            "Outlook", _control(f"outlook/accounts/{who}/contacts"), "contacts", "jobTitle", _outlook_email
        ),
        "hubspot": Place(
            "HubSpot",
            _control(f"hubspot/accounts/{who}/records/contacts"),
            "records",
            "jobtitle",
            lambda one: str(one.get("email") or "").lower(),
        ),
        "salesforce": Place(
            "Salesforce",
            _control(f"salesforce/accounts/{who}/records/Contact"),
            "records",
            "Title",
            lambda one: str(one.get("Email") or "").lower(),
        ),
    }


def measure(edits: int) -> Iterator[Measurement]:
    """`edits` in each app of each connection; one at a time, as a person makes them."""
    servers = Servers(Path(settings.DATA_DIR))
    try:
        _start(servers)
        found = places()
        for other in ("hubspot", "salesforce"):
            for source, target in (("outlook", other), (other, "outlook")):
                yield _edits(found[source], found[target], edits)
    finally:
        servers.stop()


def _start(servers: Servers) -> None:
    sandbox = os.environ["LATENCY_SANDBOX"]
    port, web = (int(url.rpartition(":")[2]) for url in (sandbox, settings.PUBLIC_URL))
    call_command("createcachetable", verbosity=0)
    servers.start("sandbox", ["manage.py", "sandbox", "--port", str(port)], port)
    tokens = {
        "outlook": _asked("POST", _control("outlook/accounts"), {"email": OWNER}),
        "hubspot": _asked("POST", _control("hubspot/accounts"), {"email": OWNER, "client": "pairwise"}),
        "salesforce": _asked("POST", _control("salesforce/accounts"), {"username": OWNER}),
    }
    app = {
        "client_id": "pairwise",
        "client_secret": SECRET,
        "redirect_uris": [f"{settings.PUBLIC_URL}/connect/hubspot/"],
    }
    number = _asked("POST", _control("hubspot/apps"), app)["app_id"]
    webhooks = declared("hubspot").webhooks
    hooks = {"target_url": f"{settings.PUBLIC_URL}/news/hubspot/", "events": list(webhooks.events if webhooks else ())}
    _asked("POST", _control(f"hubspot/apps/{number}/webhooks"), hooks)
    people = [
        {
            "givenName": f"Person{number}",
            "surname": "Maes",
            "emailAddresses": [{"address": f"p{number}@example.com"}],
        }
        for number in range(PEOPLE)
    ]
    _asked("POST", _control(f"outlook/accounts/{quote(OWNER)}/contacts"), {"contacts": people, "folder": "Contacts"})
    file = Path(settings.DATA_DIR) / "latency.yaml"
    file.write_text(yaml.safe_dump(_configuration(sandbox, tokens)))
    call_command("apply", str(file), verbosity=0)
    gunicorn = ["-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{web}", "--threads", "4", "--no-control-socket"]
    servers.start("web", gunicorn, web)
    servers.start("workers", ["manage.py", "supervise"])
    _wait_until_settled()


def _configuration(sandbox: str, tokens: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    accounts: list[dict[str, Any]] = [
        {"name": "outlook", "app": "outlook", "base_url": f"{sandbox}/graph", "login_url": f"{sandbox}/microsoft"},
        {"name": "hubspot", "app": "hubspot", "base_url": f"{sandbox}/hubspot", "login_url": f"{sandbox}/hubspot"},
        {"name": "salesforce", "app": "salesforce", "login_url": f"{sandbox}/salesforce"},
    ]
    names = ("access_token", "refresh_token", "instance_url", "id")
    for account in accounts:
        held = tokens[account["name"]]
        wanted = names if account["name"] == "salesforce" else names[:2]
        account["credentials"] = {name: str(held[name]) for name in wanted if name in held}
    connections = [
        {
            "name": f"outlook-to-{other}",
            "a": {"account": "outlook", "folder": "Contacts"},
            "b": {"account": other, "folder": "Contacts"},
            "every": every,
        }
        for other, every in (("hubspot", "5m"), ("salesforce", "3s"))
    ]
    return {"tenants": [{"slug": "speed", "name": "Speed", "accounts": accounts, "connections": connections}]}


def _wait_until_settled() -> None:
    deadline = time.monotonic() + SETTLED
    found = places()
    while time.monotonic() < deadline:
        ordered = Subscription.objects.exclude(remote_id="").exists()
        known = not Account.objects.filter(app="hubspot", remote_id="").exists()
        calm = not Connection.objects.filter(first_run_done=False).exists()
        if ordered and known and calm and all(len(place.all()) == PEOPLE for place in found.values()):
            time.sleep(5)  # the runs that the first ones called are over then
            return
        time.sleep(0.5)
    raise RuntimeError("the connections did not come to rest; the logs of the servers say why")


def _edits(source: Place, target: Place, edits: int) -> Measurement:
    chance = random.Random(1)  # noqa: S311 - which contact is edited when
    here = source.all()
    waited = []
    for number in range(edits):
        email = f"p{chance.randrange(PEOPLE)}@example.com"
        time.sleep(chance.uniform(*PAUSES))
        title = f"Title {number}, {source.app} to {target.app}"
        began = time.monotonic()
        source.edit(here[email]["id"], title)
        while time.monotonic() - began < LONGEST and target.all().get(email, {}).get(target.title) != title:
            time.sleep(LOOK)
        waited.append(time.monotonic() - began)
    middle, late = statistics.median(waited), statistics.quantiles(waited, n=20)[-1]
    extra = {
        "median_seconds": round(middle, 2),
        "p95_seconds": round(late, 2),
        "longest_seconds": round(max(waited), 2),
    }
    return Measurement(f"an edit in {source.app}, until {target.app} shows it", edits, sum(waited), 0, extra=extra)
