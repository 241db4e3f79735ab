"""Setting a connection up step by step: what was chosen, what may be chosen next, and what cannot be, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_lazy

from connections.models import Account, Connection, ConnectionDraft, Folder, Membership, Role, User
from connections.services import arranging, ending, naming, permits, setting_up
from connections.services.arranging import Offer, SideOffer
from connections.services.mapping import Editor, Overview
from connections.services.setting_up import CannotSetUp, Configuration
from connectors import registry
from connectors.base import App
from syncrules.defaults import default_mappings
from syncrules.rulecheck import flaws
from syncrules.specs import ConditionKind, ConditionSpec, Direction, MappingSpec, Operator, RuleSpec, Side
from syncrules.table import combined, fields_of

STEPS: Mapping[str, Any] = {
    "apps": gettext_lazy("Apps"),
    "accounts": gettext_lazy("Accounts"),
    "folders": gettext_lazy("Folders"),
    "contacts": gettext_lazy("Contacts"),
    "direction": gettext_lazy("Direction"),
    "mapping": gettext_lazy("Fields"),
    "rules": gettext_lazy("Who"),
    "matching": gettext_lazy("Without email"),
    "plan": gettext_lazy("Plan"),
}
LATER = ("confirmed", "direction", "off", "rules", "matching")  # the answers of the steps after the folders, in order
MOST = 20  # connections that are set up at once
WAYS = (Direction.A_TO_B, Direction.B_TO_A)


# ---- which


def drafts_of(membership: Membership) -> QuerySet[ConnectionDraft]:
    rows = ConnectionDraft.objects.filter(tenant=membership.tenant_id, user=membership.user_id)
    return rows.select_related("account_a", "account_b", "tenant")


def of_user(user: User, tenant: int, pk: int) -> ConnectionDraft | None:
    """The person's draft, as long as the person may set up connections there."""
    membership = Membership.objects.filter(user=user, tenant=tenant, role__in=(Role.OWNER, Role.EDITOR)).first()
    return drafts_of(membership).filter(pk=pk).first() if membership else None


def begin(membership: Membership, app_a: str, app_b: str) -> ConnectionDraft:
    return ConnectionDraft.objects.create(
        tenant_id=membership.tenant_id, user_id=membership.user_id, app_a=app_a, app_b=app_b
    )


def discard(draft: ConnectionDraft) -> None:
    """Nothing stays of what was never started."""
    _drop(draft, [])
    draft.delete()


def is_open(draft: ConnectionDraft, step: str) -> bool:
    """Whether all that the step stands on is answered."""
    order = list(STEPS)
    return order.index(step) <= order.index(open_step(draft))


def open_step(draft: ConnectionDraft) -> str:
    """The first one that is not answered yet."""
    if draft.account_a_id is None or draft.account_b_id is None:
        return "accounts"
    if not draft.folders_a or not draft.folders_b:
        return "folders"
    order = list(STEPS)[3:]
    return next((step for step, name in zip(order, LATER, strict=False) if name not in draft.choices), "plan")


# ---- sides, and how people call them


def app_of(draft: ConnectionDraft, side: str) -> App:
    """Raises KeyError where the app was taken away meanwhile."""
    return registry.app(getattr(draft, f"app_{side}"))


def names(draft: ConnectionDraft) -> dict[str, str]:
    """By their apps; by their accounts where both are of one app."""
    if draft.app_a != draft.app_b:
        return {side: app_of(draft, side).name for side in "ab"}
    found = {}
    for side, word in (("a", gettext("first %(app)s")), ("b", gettext("second %(app)s"))):
        account: Account | None = getattr(draft, f"account_{side}")
        same = draft.account_a_id == draft.account_b_id
        name = app_of(draft, side).name
        found[side] = (
            f"{name} ({account.remote_name or account.name})" if account and not same else word % {"app": name}
        )
    return found


# ---- accounts


def take_account(draft: ConnectionDraft, side: str, account: Account) -> bool:
    """Whether the account can stand there. Another one than before means other folders."""
    if side not in ("a", "b") or account.app != getattr(draft, f"app_{side}") or account.tenant_id != draft.tenant_id:
        return False
    if getattr(draft, f"account_{side}_id") != account.pk:
        setattr(draft, f"account_{side}", account)
        setattr(draft, f"folders_{side}", [])
        draft.choices = {}
        draft.save()
    return True


def take_accounts(draft: ConnectionDraft, chosen: Mapping[str, Account]) -> None:
    for side, account in chosen.items():
        take_account(draft, side, account)


def may_use(membership: Membership, draft: ConnectionDraft) -> bool:
    """An account that became private meanwhile, or was given back, is not there any more."""
    wanted = {pk for pk in (draft.account_a_id, draft.account_b_id) if pk is not None}
    return permits.usable_accounts(membership).filter(pk__in=wanted).count() == len(wanted)


# ---- folders


def folders(draft: ConnectionDraft, side: str) -> list[Folder]:
    ids = getattr(draft, f"folders_{side}")
    rows = Folder.objects.filter(pk__in=ids, account=getattr(draft, f"account_{side}_id"))
    return list(rows.select_related("account", "tenant").order_by("path"))


def pairs(draft: ConnectionDraft) -> list[tuple[Folder, Folder]]:
    """A connection for each. At most one side has several folders."""
    left, right = folders(draft, "a"), folders(draft, "b")
    return [(a, b) for a in left for b in right][:MOST]


def take_folders(draft: ConnectionDraft, a: Sequence[Folder], b: Sequence[Folder]) -> None:
    """Raises CannotSetUp, and ConnectedAlready with the connection that has a pair of them."""
    if not a or not b:
        raise CannotSetUp(gettext("Choose a folder on each side."))
    if len(a) > 1 and len(b) > 1:
        raise CannotSetUp(
            gettext(
                "Choose several folders on one side only: each of them is then connected with the one "
                "folder of the other side. For pairs of folders set up one connection after the other."
            )
        )
    if len(a) * len(b) > MOST:
        raise CannotSetUp(
            gettext("At most %(most)s connections are set up at once. Choose fewer folders.") % {"most": MOST}
        )
    for left in a:
        for right in b:
            setting_up.refuse_used(left, right, draft.connections)
            if left.read_only and right.read_only:
                raise CannotSetUp(
                    gettext("“%(left)s” and “%(right)s” are both read-only, so nothing could be written to either.")
                    % {"left": left, "right": right}
                )
    chosen = [folder.pk for folder in a], [folder.pk for folder in b]
    if chosen != (draft.folders_a, draft.folders_b):
        draft.folders_a, draft.folders_b = chosen
        draft.choices = {}
        draft.save()


# ---- direction


def directions(draft: ConnectionDraft) -> dict[Direction, str]:
    """Those that can be, with a reason why for those that cannot."""
    locked = {side: _locked(draft, side) for side in "ab"}
    return {
        Direction.BOTH: locked["a"] or locked["b"],
        Direction.A_TO_B: locked["b"],
        Direction.B_TO_A: locked["a"],
    }


def _locked(draft: ConnectionDraft, side: str) -> str:
    app = app_of(draft, side)
    if not app.capabilities.two_way:
        return gettext("%(app)s can only be read.") % {"app": app.name}
    for folder in folders(draft, side):
        if folder.read_only:
            return gettext("The folder “%(folder)s” can only be read.") % {"folder": folder}
    return ""


# ---- what it would be


def answer(draft: ConnectionDraft, **values: Any) -> None:
    """A plan from before does not count any more."""
    draft.choices, draft.planned = {**draft.choices, **values}, {}
    draft.save()


def plain(draft: ConnectionDraft, a: Folder, b: Folder) -> Connection:
    """As the answers so far have it; not stored."""
    choices = draft.choices
    matching = choices.get("matching", {})
    return Connection(
        tenant=draft.tenant,
        folder_a=a,
        folder_b=b,
        direction=choices.get("direction", Direction.BOTH.value),
        winner=choices.get("winner", "a"),
        paused_reason=arranging.DRAFTED,
        approve_first_run=True,
        avoid_duplicates=matching.get("avoid_duplicates", True),
        match_keys=matching.get("keys", ["email"]),
    )


def offer_of(draft: ConnectionDraft) -> Offer:
    """What both sides have to choose from, as it was seen last."""
    a, b = pairs(draft)[0]
    return arranging.offer(plain(draft, a, b))


def ask_apps(draft: ConnectionDraft) -> list[str]:
    """Asks both apps for fields and labels, unless they were just asked. A sentence for each that does not answer."""
    told = [problem for a, b in pairs(draft) for problem in arranging.refresh(plain(draft, a, b))]
    return list(dict.fromkeys(told))


def tables(draft: ConnectionDraft) -> list[Overview]:
    """The mapping of each pair of folders, without those that look the same."""
    found: list[Overview] = []
    for a, b in pairs(draft):
        connection = plain(draft, a, b)
        given = arranging.offer(connection)
        table = Editor(connection, given, _switched_off(draft, given)).overview()
        if not any(_same(table, other) for other in found):
            found.append(table)
    return found


def _same(table: Overview, other: Overview) -> bool:
    return [(line.id, line.problem) for line in table.lines] == [(line.id, line.problem) for line in other.lines]


def _switched_off(draft: ConnectionDraft, given: Offer) -> list[MappingSpec]:
    off = set(draft.choices.get("off", ()))
    defaults = default_mappings(given.a.catalogue, given.b.catalogue)
    return [replace(spec, enabled=False) for spec in defaults if fields_of(spec) in off]


def take_mapping(draft: ConnectionDraft, on: Sequence[str]) -> None:
    """The lines with these ids are on, all others off. Raises CannotSetUp where nothing would be left."""
    off = []
    for table in tables(draft):
        lines = [line.id for line in table.lines]
        if not any(line in on for line in lines):
            raise CannotSetUp(gettext("Without a single field nothing can be kept the same. Leave at least one on."))
        off += [line for line in lines if line not in on]
    answer(draft, off=sorted(set(off)))


# ---- rules


@dataclass(frozen=True, slots=True)
class Way:
    """One direction that the connection carries. `label`: only contacts with it; empty: everybody."""

    direction: Direction
    source: SideOffer
    here: str
    there: str
    label: str

    @property
    def has_labels(self) -> bool:
        return self.source.capabilities.label_kind is not None

    @property
    def kind(self) -> str:
        return str(self.source.capabilities.label_kind or "")


def ways(draft: ConnectionDraft) -> list[Way]:
    given, called = offer_of(draft), names(draft)
    chosen, carried = draft.choices.get("rules", {}), Direction(draft.choices.get("direction", Direction.BOTH.value))
    found = []
    for direction in WAYS:
        source = Side.A if direction is Direction.A_TO_B else Side.B
        if carried.carries(source):
            label = chosen.get(direction.value, "")
            found.append(Way(direction, given.side(source), called[source], called[source.other], label))
    return found


def take_rules(draft: ConnectionDraft, labels: Mapping[str, str]) -> None:
    """By direction the label that contacts must have; empty for everybody. Raises CannotSetUp."""
    given = offer_of(draft)
    sides = {Side.A: given.a.for_rules(), Side.B: given.b.for_rules()}
    for flaw in flaws(rules_of(labels, given), sides, given.region):
        raise CannotSetUp(f"{str(flaw).rstrip('.?')}.")
    answer(draft, rules=dict(labels))


def rules_of(labels: Mapping[str, str], given: Offer) -> list[RuleSpec]:
    """A direction that the connection does not carry keeps its visible rule, which does nothing there."""
    found = []
    for direction in WAYS:
        source = given.side(Side.A if direction is Direction.A_TO_B else Side.B)
        label = labels.get(direction.value, "").strip()
        if not label:
            found.append(RuleSpec("", arranging.EVERYTHING[direction], direction))
            continue
        known = {name.casefold(): (label_id, name) for label_id, name in source.labels}
        label_id, name = known.get(label.casefold(), ("", label))
        condition = ConditionSpec(ConditionKind.LABEL, name, Operator.IN, True, label_id)
        found.append(RuleSpec("", f"Only {name}"[:100], direction, conditions=(condition,)))
    return found


def configuration(draft: ConnectionDraft, a: Folder, b: Folder) -> Configuration:
    given = arranging.offer(plain(draft, a, b))
    off = _switched_off(draft, given)
    rules = rules_of(draft.choices.get("rules", {}), given)
    if not any(spec.enabled for spec in combined(default_mappings(given.a.catalogue, given.b.catalogue), off)):
        raise CannotSetUp(
            gettext("No field of “%(a)s” means the same as one of “%(b)s”; without a mapping nothing can flow.")
            % {"a": a, "b": b}
        )
    return Configuration(off or None, bool(off), Direction(plain(draft, a, b).direction), rules)


# ---- made from it


def made(draft: ConnectionDraft) -> list[Connection]:
    """What was made from it and is still there, in the order of the folders."""
    sides = ("tenant", "folder_a__account", "folder_b__account")
    rows = Connection.objects.filter(pk__in=draft.connections, tenant=draft.tenant_id, first_run_done=False)
    return list(rows.select_related(*sides).order_by("pk"))


@transaction.atomic
def make(draft: ConnectionDraft) -> list[Connection]:
    """Brings the connections up to the answers: made, changed, or dropped where the folders are others now. They stand
    still. Raises CannotSetUp."""
    ConnectionDraft.objects.select_for_update().get(pk=draft.pk)  # two tabs make one connection
    draft.refresh_from_db(fields=["connections"])
    wanted = pairs(draft)
    if not wanted:
        raise CannotSetUp(gettext("A folder of this set-up is not there any more. Choose the folders again."))
    there = {(row.folder_a_id, row.folder_b_id): row for row in made(draft)}
    keep = [row for pair, row in there.items() if pair in {(a.pk, b.pk) for a, b in wanted}]
    _drop(draft, [row.pk for row in keep])
    found = []
    for a, b in wanted:
        row = there.get((a.pk, b.pk))
        found.append(_make(draft, a, b) if row is None else _change(draft, row))
    draft.connections = [row.pk for row in found]
    draft.save()
    return found


COLUMNS = ("direction", "winner", "paused_reason", "approve_first_run", "avoid_duplicates", "match_keys")


def _make(draft: ConnectionDraft, a: Folder, b: Folder) -> Connection:
    like = plain(draft, a, b)
    options = {name: getattr(like, name) for name in COLUMNS}
    stem = f"{draft.app_a} {a.name} {draft.app_b}"
    name = naming.free_name(Connection.objects.filter(tenant=draft.tenant_id), stem)
    return setting_up.make_connection(name, a, b, configuration(draft, a, b), options)


def _change(draft: ConnectionDraft, row: Connection) -> Connection:
    like = plain(draft, row.folder_a, row.folder_b)
    for name in COLUMNS:
        setattr(row, name, getattr(like, name))
    row.save(update_fields=COLUMNS)
    wanted = configuration(draft, row.folder_a, row.folder_b)
    setting_up.replace_mappings(row, wanted.mappings, wanted.beside_default)
    setting_up.replace_rules(row, wanted.rules or ())
    arranging.configured(row)
    return row


def _drop(draft: ConnectionDraft, keep: Sequence[int]) -> None:
    for row in made(draft):
        if row.pk not in keep and row.paused_reason == arranging.DRAFTED:
            ending.remove_for_good(row)
