"""What a dance is for. It is kept in the session of who began it, under the state that the vendor hands back, so that
two tabs do not meet and nothing at the way back is taken from the address."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

from django.contrib.sessions.backends.base import SessionBase

KEY = "errands"
LIFETIME = 30 * 60  # seconds
MOST = 8  # dances that somebody may have open


@dataclass(slots=True)
class Errand:
    """`account`: the id of the one to authorise again, None for a new one. `login_url`: empty for the registration's
    own. `draft`: the id of the connection being set up for which this is done, and its `side`; so the way back is never
    an address that somebody could have written."""

    app: str
    user: int
    tenant: int
    account: int | None
    client_id: str
    login_url: str
    shared: bool
    draft: int | None = None
    side: str = ""
    verifier: str = ""
    at: float = 0.0


def keep(session: SessionBase, state: str, errand: Errand) -> None:
    now = time.time()
    errand.at = now
    fresh = [(key, one) for key, one in session.get(KEY, {}).items() if now - one["at"] < LIFETIME]
    session[KEY] = {**dict(fresh[1 - MOST :]), state: asdict(errand)}


def take(session: SessionBase, state: str) -> Errand | None:
    """The errand, once; None if there is none with this state, or it is too old."""
    found = dict(session.get(KEY, {}))
    held = found.pop(state, None)
    if held is None:
        return None
    session[KEY] = found
    errand = Errand(**held)
    return errand if time.time() - errand.at < LIFETIME else None
