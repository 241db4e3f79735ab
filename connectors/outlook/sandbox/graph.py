"""Microsoft Graph v1.0, the part on contacts: who calls, which handler answers, and the headers every answer has."""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

from connectors.outlook.sandbox import batch, categories, contacts, delta, directory, folders, photo
from connectors.outlook.sandbox.call import Call
from connectors.outlook.sandbox.errors import (
    GraphError,
    by_status,
    mailbox_not_enabled,
    no_such_segment,
    not_supported,
)
from connectors.outlook.sandbox.expand import extension_collection, extension_entity
from connectors.outlook.sandbox.store import Contact, Mailbox, Store
from connectors.outlook.sandbox.subscriptions import Subscriptions
from connectors.outlook.sandbox.tokens import Tokens
from connectors.sandboxkit.faults import strike
from connectors.sandboxkit.kit import Kit
from connectors.sandboxkit.web import Dropped, Request, Response

LARGEST_BODY = 4 * 1024 * 1024
LIMIT_WINDOW = 600.0
_KEYED = re.compile(r"([A-Za-z]+)\('((?:[^']|'')*)'\)")
_PATHS = re.compile(r"/(contacts|contactFolders|childFolders|masterCategories|subscriptions|users|extensions)/([^/]+)")
_FIXED = ("delta", "$count")


def plain_path(path: str) -> str:
    """contacts('x') -> contacts/x; delta() and microsoft.graph.delta() -> delta."""
    path = _KEYED.sub(lambda match: f"{match[1]}/{match[2].replace(chr(39) * 2, chr(39))}", path)
    return path.replace("microsoft.graph.delta", "delta").replace("delta()", "delta").rstrip("/")


def route_of(path: str) -> str:
    """The path with ids as {id}, for counting."""
    return _PATHS.sub(lambda match: match[0] if match[2] in _FIXED else f"/{match[1]}/{{id}}", path)


class Graph:
    def __init__(self, kit: Kit, store: Store, identity: Tokens, subscriptions: Subscriptions) -> None:
        self.kit = kit
        self.store = store
        self.identity = identity
        self.subscriptions = subscriptions
        self._recent: dict[int, deque[float]] = {}
        self._running: Counter[int] = Counter()
        self._lock = threading.Lock()

    def handle(self, request: Request) -> Response:
        """One request, or one inside a batch."""
        began = time.perf_counter()
        request.path = plain_path(request.path)
        status = 0
        try:
            response = self._answered(request)
            status = response.status
            return response
        except Dropped:
            status = 0
            raise
        finally:
            route = request.prefix + route_of(request.path)
            path = request.prefix + request.path
            note = self.kit.journal.note
            note(request.method, path, route, status, account=request.account, inner=request.inner, began=began)

    def _answered(self, request: Request) -> Response:
        request_id = str(uuid.uuid4())
        client_id = request.headers.get("client-request-id", request_id)
        now = self.kit.clock.now()

        def words(status: int, wait: float | None) -> Response:
            return by_status(status, wait).response(now, request_id, client_id)

        def guarded(asked: Request) -> Response:
            try:
                return self._run(asked)
            except GraphError as error:
                return error.response(self.kit.clock.now(), request_id, client_id)

        caller = self.identity.peek(request)
        request.account = caller.email if caller else ""
        with self._counted(caller, request) as admitted:
            response = strike(self.kit.faults, request, guarded, words) if admitted else words(429, 1)
        response.headers["request-id"] = request_id
        response.headers["client-request-id"] = client_id
        if not request.inner:
            response.headers["x-ms-ags-diagnostic"] = (
                '{"ServerInfo":{"DataCenter":"Sandbox","Slice":"E","Ring":"1","ScaleUnit":"000","RoleInstance":"SANDBOX"}}'
            )
        return response

    def _run(self, request: Request) -> Response:
        grant = self.identity.granted(request)
        if request.segments == ["$batch"]:
            if request.inner:
                raise GraphError(400, "BadRequest", "A batch cannot hold a batch.")
            return batch.handle(request, self.handle, self.kit.clock.now())
        if len(request.body) > LARGEST_BODY:
            raise GraphError(413, "RequestEntityTooLarge", "The request is larger than 4 MB.")
        self._limit(grant.mailbox)
        call = Call(
            kit=self.kit,
            store=self.store,
            request=request,
            mailbox=grant.mailbox,
            caller=grant.mailbox,
            scopes=grant.scopes,
            client=grant.client,
        )
        if request.segments[:1] == ["subscriptions"]:
            return self.subscriptions.handle(call, request.segments[1:])  # posts to callers: holds no transaction
        with self.store.database.transaction():
            response = self._routed(call, request.segments)
        if call.immutable:
            call.applied.insert(0, 'IdType="ImmutableId"')
        if call.applied:
            response.headers["Preference-Applied"] = ", ".join(call.applied)
        return response

    @contextmanager
    def _counted(self, caller: Mailbox | None, request: Request) -> Iterator[bool]:
        """Whether the request is within the number that may run at a time, where the mailbox limits it."""
        if caller is None or request.inner or not caller.on("concurrency_limit"):
            yield True
            return
        with self._lock:
            self._running[caller.number] += 1
            admitted = self._running[caller.number] <= int(caller.on("concurrency_limit"))
        try:
            yield admitted
        finally:
            with self._lock:
                self._running[caller.number] -= 1

    def _limit(self, mailbox: Mailbox) -> None:
        """Requests per app and mailbox in ten minutes, where the mailbox counts them."""
        most = int(mailbox.on("request_limit"))
        if not most:
            return
        now = self.kit.clock.now()
        recent = self._recent.setdefault(mailbox.number, deque())
        while recent and recent[0] <= now - LIMIT_WINDOW:
            recent.popleft()
        if len(recent) >= most:
            raise by_status(429, max(1.0, round(recent[0] + LIMIT_WINDOW - now)))
        recent.append(now)

    def _routed(self, call: Call, segments: list[str]) -> Response:
        if segments[:1] == ["me"]:
            rest = segments[1:]
        elif segments[:1] == ["users"] and len(segments) > 1:
            call.mailbox = self.identity.opened(call, segments[1])
            rest = segments[2:]
        else:
            raise no_such_segment(segments[0] if segments else "")
        if not rest:
            return directory.user(call)
        if rest == ["translateExchangeIds"]:
            return directory.translate(call)
        handler = {"contacts": self._contacts, "contactFolders": self._folders, "outlook": self._outlook}.get(rest[0])
        if handler is None:
            raise no_such_segment(rest[0])
        if not call.mailbox.on("mailbox_enabled"):
            raise mailbox_not_enabled()
        return handler(call, rest[1:])

    def _outlook(self, call: Call, rest: list[str]) -> Response:
        if rest[:1] != ["masterCategories"] or len(rest) > 2:
            raise no_such_segment(rest[0] if rest else "outlook")
        return categories.handle(call, rest[1] if len(rest) == 2 else "")

    def _contacts(self, call: Call, rest: list[str]) -> Response:
        default = self.store.folder_by_role(call.mailbox, "contacts")
        return self._in_folder(call, default, rest, "contacts", anywhere=True)

    def _in_folder(self, call: Call, folder: int, rest: list[str], name: str, *, anywhere: bool = False) -> Response:
        """.../contacts/..., `anywhere`: an id is looked for in the whole mailbox."""
        if not rest:
            return contacts.collection(call, folder, name)
        if rest == ["delta"]:
            self._only(call, "GET")
            return delta.contact_delta(call, folder, name)
        if rest == ["$count"]:
            self._only(call, "GET")
            return contacts.count(call, folder)
        contact = self.store.contact(call.mailbox, rest[0], None if anywhere else folder)
        return self._below_contact(call, contact, rest[1:], name)

    def _below_contact(self, call: Call, contact: Contact, rest: list[str], name: str) -> Response:
        if not rest:
            return contacts.entity(call, contact, name)
        if rest[0] == "photo" and rest[1:] in ([], ["$value"]):
            return photo.handle(call, contact, content=len(rest) == 2)
        if rest[0] == "extensions" and len(rest) <= 2:
            return extension_entity(call, contact, rest[1]) if len(rest) == 2 else extension_collection(call, contact)
        if rest == ["permanentDelete"]:
            self._only(call, "POST")
            return contacts.delete(call, contact, for_good=True)
        raise no_such_segment(rest[0])

    def _folders(self, call: Call, rest: list[str]) -> Response:
        default = self.store.folder_by_role(call.mailbox, "contacts")
        if not rest:
            return folders.collection(call, default, "contactFolders", top_level=True)
        if rest == ["delta"]:
            self._only(call, "GET")
            return delta.folder_delta(call)
        folder = self.store.folder_by_key(call.mailbox, rest[0])
        rest = rest[1:]
        while rest[:1] == ["childFolders"] and len(rest) > 1:
            child = self.store.folder_by_key(call.mailbox, rest[1])
            if child["parent"] != folder["id"]:
                raise no_such_segment(rest[1])
            folder, rest = child, rest[2:]
        if not rest:
            return folders.entity(call, folder)
        if rest == ["childFolders"]:
            return folders.collection(call, folder["id"], "contactFolders", top_level=False)
        if rest == ["permanentDelete"]:
            self._only(call, "POST")
            call.need("Contacts.ReadWrite")
            self.store.delete_folder(call.mailbox, folder)
            return Response(204)
        if rest[0] != "contacts":
            raise no_such_segment(rest[0])
        key = call.request.segments[call.request.segments.index("contactFolders") + 1]
        return self._in_folder(call, folder["id"], rest[1:], f"contactFolders('{key}')/contacts")

    @staticmethod
    def _only(call: Call, method: str) -> None:
        if call.request.method != method:
            raise not_supported()
