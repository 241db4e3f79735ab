"""What the outbox holds goes out, by mail or webhook: tried again ever later, and in the end shown as failed.

A mail is never sent twice: whoever begins says so first, and where a worker died in the middle it is not sent again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from smtplib import SMTPException
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError, transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language

from connections import languages
from connections.models import Cause, Notification, NotificationState
from connections.services import choosing, outgoing, wording

log = logging.getLogger(__name__)

AGAIN = [timedelta(minutes=5), timedelta(minutes=15), *(timedelta(hours=hours) for hours in (1, 3, 6, 12, 24))]
ABANDONED = timedelta(minutes=10)  # longer than any task may take
EACH_TIME = 200
LONGEST = 60.0  # seconds after which the rest waits for the next task

Wanted = Callable[[Notification], bool]


def send_due(now: datetime, is_wanted: Wanted) -> int:
    """Returns how many went out. `is_wanted` is asked of each just before it leaves."""
    until = time.monotonic() + LONGEST
    rows = Notification.objects.filter(state=NotificationState.WAITING)
    rows.filter(begun_at__lt=now - ABANDONED).update(
        state=NotificationState.FAILED, error="A worker ended while it was sent; it may have arrived."
    )
    due = rows.filter(begun_at=None, next_at__lte=now).order_by("next_at", "pk")
    count = 0
    for row in due.select_related("tenant", "user", "webhook__tenant")[:EACH_TIME]:
        if time.monotonic() > until:
            break
        count += _send(row, is_wanted)
    return count


def _send(row: Notification, is_wanted: Wanted) -> bool:
    mine = Notification.objects.filter(pk=row.pk, state=NotificationState.WAITING)
    if not is_wanted(row):
        mine.filter(begun_at=None).update(state=NotificationState.UNNEEDED, over_at=timezone.now())
        return False
    if not _begin(row):
        return False
    try:
        if row.webhook is not None:
            outgoing.post(row.webhook, row.cause, row.uuid, row.facts, wording.link(row))
        else:
            with languages.speaking_to(row.user):
                found = mail(row)
            found.send()
    except (outgoing.Undelivered, SMTPException, OSError) as error:
        _put_off(row, error)
        return False
    mine.update(state=NotificationState.SENT, sent_at=timezone.now(), begun_at=None, error="")
    return True


def _begin(row: Notification) -> bool:
    """Whether it is ours to send. It counts for the day on which it leaves; on that day something else about the same
    may have left already."""
    now = timezone.now()
    waiting = Notification.objects.filter(pk=row.pk, state=NotificationState.WAITING, begun_at=None)
    try:
        with transaction.atomic():
            return bool(waiting.update(begun_at=now, day=timezone.localdate(now), attempts=F("attempts") + 1))
    except IntegrityError:
        waiting.update(state=NotificationState.UNNEEDED, over_at=now)
        return False


def _put_off(row: Notification, error: Exception) -> None:
    is_ours = isinstance(error, outgoing.Undelivered)
    text = str(error) if is_ours else f"The mail server did not take it ({type(error).__name__})."
    done = row.attempts + 1
    rows = Notification.objects.filter(pk=row.pk)
    if done > len(AGAIN):
        rows.update(state=NotificationState.FAILED, begun_at=None, error=text[:255])
        log.warning("notification %s is given up after %d attempts: %s", row.pk, done, type(error).__name__)
        return
    rows.update(begun_at=None, next_at=timezone.now() + AGAIN[done - 1], error=text[:255])


def mail(row: Notification) -> EmailMultiAlternatives:
    """Plain and as HTML, in the active language, with the link by which mail programs unsubscribe (RFC 8058)."""
    assert row.user is not None  # noqa: S101 - a notification is for a person or for a webhook
    stop = choosing.stop_link(row.user.pk, row.tenant_id, row.cause)
    message = wording.message(row)
    context = {
        "message": message,
        "language": get_language(),
        "tenant": row.tenant,
        "cause": Cause(row.cause).label,
        "stop": stop,
        "choices": f"{settings.PUBLIC_URL}{reverse('notifications', args=[row.tenant.slug])}",
    }
    headers = {
        "List-Unsubscribe": f"<{stop}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Message-ID": f"<{row.uuid}@{urlsplit(settings.PUBLIC_URL).hostname}>",
        "Auto-Submitted": "auto-generated",
    }
    text = render_to_string("mails/notification.txt", context)
    found = EmailMultiAlternatives(message.subject, text, None, [row.user.email], headers=headers)
    found.attach_alternative(render_to_string("mails/notification.html", context), "text/html")
    return found
