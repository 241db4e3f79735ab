"""What an app lends to the conformance suite: a folder of its own, and hands that work behind the connector's back."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.base import Connector


@dataclass(frozen=True, slots=True)
class Person:
    """A contact in neutral words; an empty part is an unset field."""

    given: str
    family: str = "Doe"
    email: str = ""
    note: str = ""


class Subject:
    """One account with an empty folder. An app's test module derives from it, sets the attributes in `__init__` and
    writes the methods against the app itself (never through `self.connector`)."""

    connector: Connector
    folder: str  # the id of the folder, empty at the start of each test

    # the keys of four fields every app has; `note` may hold several lines
    given: str
    family: str
    email: str  # a list field
    note: str

    several = 7  # so many records need more than one page of a listing, where the app pages at all
    pages = True  # the app (or the connector) can be told to page below `several`
    tells_moves = True  # a record that moves to another folder can be made and is not taken for deleted
    tells_deletions = True  # a deletion is reported as such, not as "unknown"

    def add(self, person: Person) -> str:
        """Makes a record in the folder; returns its id as the connector will show it."""
        raise AssertionError("A subject says how a record is made.")

    def edit(self, record_id: str, person: Person) -> None:
        """Sets the four fields of a record; empty parts are cleared."""
        raise AssertionError("A subject says how a record is edited.")

    def remove(self, record_id: str) -> None:
        raise AssertionError("A subject says how a record is deleted.")

    def move(self, record_id: str) -> None:
        """Into another folder of the account. Only asked for where `tells_moves`."""
        raise AssertionError("A subject that tells moves says how a record is moved.")

    def reconnect(self) -> Connector:
        """Another connector on the same account, as a new process would make it."""
        raise AssertionError("A subject says how to connect anew.")

    def expired(self, cursor: str) -> str:
        """A cursor that the app has forgotten, made from a good one; or the good one after the app was told to."""
        raise AssertionError("A subject says how a cursor expires.")

    def lose_answer(self) -> bool:
        """Lets the next writing request take effect and cuts its answer off; False where that cannot be arranged."""
        return False

    def settle(self) -> None:
        """Lets pass what time the app needs until a search shows our own writes."""

    def pass_time(self) -> None:
        """Moves the app's clock on by some seconds. Only asked for where the app tells what was changed last."""
        raise AssertionError("A subject says how time passes.")

    def requests(self) -> int:
        """How many requests the app has had so far, from whomever; -1 where it does not count."""
        return -1

    # ---- how many requests are needed; the suite allows nothing above

    def cost_of_no_news(self) -> int:
        return 1

    def cost_of_writes(self, count: int) -> int:
        """For creates in one call of `write`, which takes `write_batch` of them at most."""
        return 1
