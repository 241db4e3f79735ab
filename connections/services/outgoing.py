"""Webhooks of a tenant: JSON that is posted to an address of its own, signed so that the receiver knows it is ours."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Collection, Mapping
from http.cookiejar import DefaultCookiePolicy
from secrets import token_urlsafe
from typing import Any
from uuid import UUID, uuid4

import orjson
import requests
from django.utils import timezone
from django.utils.translation import gettext
from urllib3.exceptions import HTTPError

from connections.encryption import Undecryptable
from connections.models import OutgoingWebhook, Tenant, User
from connections.urlguard import AddressGuard
from connectors.base import ConnectorError
from connectors.http import USER_AGENT, host_of
from connectors.transport import GuardedAdapter

SIGNATURE = "Pairwise-Signature"
TIMEOUT = (4.0, 8.0)  # seconds: to connect, and for an answer
MOST = 5  # of one tenant


class Undelivered(Exception):
    """The text says why, for the people of the tenant; it names a host and no path."""


class CannotAdd(Exception):
    """The text says why, and what to do."""


def add(tenant: Tenant, url: str, causes: Collection[str], by: User | None) -> tuple[OutgoingWebhook, str]:
    """The webhook and its secret, which is shown this once. Raises CannotAdd."""
    if OutgoingWebhook.objects.filter(tenant=tenant).count() >= MOST:
        raise CannotAdd(gettext("There are %(most)s webhooks already. Remove one first.") % {"most": MOST})
    try:
        AddressGuard().check(url)
    except ConnectorError as error:
        raise CannotAdd(str(error)) from None
    secret = token_urlsafe(32)
    made = OutgoingWebhook.objects.create(
        tenant=tenant, url=url, causes=sorted(causes), secrets={"secret": secret}, made_by=by
    )
    return made, secret


def signature(secret: str, moment: int, body: bytes) -> str:
    """`t=SECONDS,v1=HEX`: HMAC-SHA256 with the secret over the POSIX time, a dot and the body."""
    digest = hmac.new(secret.encode(), b"%d." % moment + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def test(hook: OutgoingWebhook) -> None:
    """Sends something that can be told from the real thing. Raises Undelivered."""
    post(hook, "test", uuid4(), {"text": "A test from Pairwise. Nothing has happened."})


def post(hook: OutgoingWebhook, cause: str, uuid: UUID, facts: Mapping[str, Any], link: str = "") -> None:
    """Raises Undelivered for every answer but a 2xx; what came of it is kept with the webhook. `uuid` stays the same
    when it is tried again."""
    known = {"id": str(uuid), "cause": cause, "tenant": hook.tenant.slug, "sent_at": timezone.now().isoformat()}
    body = orjson.dumps({**known, "link": link, **facts})
    ok, result = False, ""
    try:
        result = f"answered {_send(hook, body)}"
        ok = True
    except Undelivered as error:
        result = str(error)
        raise
    finally:
        rows = OutgoingWebhook.objects.filter(pk=hook.pk)
        rows.update(last_at=timezone.now(), last_ok=ok, last_result=result[:255])


def _send(hook: OutgoingWebhook, body: bytes) -> int:
    name = host_of(hook.url)
    try:
        signed = signature(hook.secrets["secret"], int(time.time()), body)
        status = _status(hook.url, body, {SIGNATURE: signed, "Content-Type": "application/json"})
    except Undecryptable as error:
        raise Undelivered(str(error)) from None
    except ConnectorError as error:
        raise Undelivered(str(error)) from None
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, UnicodeError):
        raise Undelivered(f"{name} is no usable address.") from None
    except requests.Timeout:
        raise Undelivered(f"{name} did not answer in time.") from None
    except (requests.RequestException, HTTPError, OSError):
        raise Undelivered(f"{name} cannot be reached, or broke the connection.") from None
    if 300 <= status < 400:
        raise Undelivered(f"{name} redirects (status {status}), which is not followed. Enter the address it moved to.")
    if not 200 <= status < 300:
        raise Undelivered(f"{name} answered with status {status}.")
    return status


def _status(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Of the answer, whose body nobody reads."""
    guard = AddressGuard()
    guard.check(url)
    with requests.Session() as session:
        session.trust_env = False  # no proxy from the environment, which would connect to whatever it is asked to
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            session.mount(scheme, GuardedAdapter(guard))
        wanted = {"User-Agent": USER_AGENT, **headers}
        with session.post(
            url, data=body, headers=wanted, timeout=TIMEOUT, allow_redirects=False, stream=True
        ) as answer:
            return answer.status_code
