"""Campaigns as labels: who is a member carries the label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from connectors.base import Forbidden, Label, LabelKind, Unsupported, chunked
from connectors.salesforce.api import Api, listed, literal, portions
from connectors.salesforce.errors import Problem, error_for, problems_in

MOST: Final = 200
_WHAT: Final = "campaigns"
_THERE_ALREADY: Final = "DUPLICATE_VALUE"
Pair = tuple[str, str]  # campaign, member


class Campaigns:
    def __init__(self, api: Api, object: str) -> None:
        self._api = api
        self._member = f"{object}Id"

    def labels(self) -> list[Label]:
        rows = self._api.query("SELECT Id, Name FROM Campaign ORDER BY Name, Id", _WHAT)
        return [Label(str(row["Id"]), str(row["Name"]), LabelKind.LIST) for row in rows]

    def create(self, name: str) -> Label:
        """The campaign with this name, new or not."""
        name = name.strip()
        if not name or len(name) > 80:
            raise Unsupported("A campaign needs a name of 80 characters at most.")
        known = self._named(name)
        if known is not None:
            return known
        body = {"Name": name, "IsActive": True}
        status, answer = self._api.send("POST", "/sobjects/Campaign", body, "to make a campaign")
        if status >= 300 or not isinstance(answer, dict):
            if any(one.code.startswith("INSUFFICIENT_ACCESS") for one in problems_in(answer)):
                raise Forbidden(
                    "This user may not make campaigns: a Salesforce administrator can make it a Marketing User."
                )
            raise error_for(status, answer, "to make a campaign")
        return Label(str(answer["id"]), name, LabelKind.LIST)

    def _named(self, name: str) -> Label | None:
        soql = f"SELECT Id, Name FROM Campaign WHERE Name = {literal(name)} ORDER BY Id LIMIT 1"  # noqa: S608 escaped
        found = [Label(str(row["Id"]), str(row["Name"]), LabelKind.LIST) for row in self._api.query(soql, _WHAT)]
        return found[0] if found else None

    # ---- members

    def add(self, pairs: Sequence[Pair]) -> dict[Pair, Problem]:
        """The pairs that were not taken. Whoever is a member already stays one."""
        refused: dict[Pair, Problem] = {}
        for some in chunked(pairs, MOST):
            kind = {"type": "CampaignMember"}
            records = [{"attributes": kind, "CampaignId": campaign, self._member: id} for campaign, id in some]
            refused |= self._sent(some, "POST", "/composite/sobjects", {"allOrNone": False, "records": records})
        return {pair: problem for pair, problem in refused.items() if problem.code != _THERE_ALREADY}

    def remove(self, pairs: Sequence[Pair]) -> dict[Pair, Problem]:
        refused: dict[Pair, Problem] = {}
        for some in chunked(self._rows(pairs).items(), MOST):
            ids = ",".join(id for id, _ in some)
            path = f"/composite/sobjects?allOrNone=false&ids={ids}"
            refused |= self._sent([pair for _, pair in some], "DELETE", path, None)
        return {
            pair: problem for pair, problem in refused.items() if problem.code not in ("ENTITY_IS_DELETED", "NOT_FOUND")
        }

    def _rows(self, pairs: Iterable[Pair]) -> dict[str, Pair]:
        """The ids of the members that are there."""
        wanted = set(pairs)
        found: dict[str, Pair] = {}
        for campaign in sorted({campaign for campaign, _ in wanted}):
            start = f"SELECT Id, {self._member} FROM CampaignMember WHERE CampaignId = {literal(campaign)} AND "  # noqa: S608
            start += f"{self._member} IN "
            for some in portions(start, [id for one, id in sorted(wanted) if one == campaign]):
                for row in self._api.query(start + listed(some), "campaign members"):
                    found[str(row["Id"])] = (campaign, str(row[self._member]))
        return found

    def _sent(self, pairs: Sequence[Pair], method: str, path: str, body: Any) -> dict[Pair, Problem]:
        status, answer = self._api.send(method, path, body, "to change the members of campaigns")
        if status >= 300 or not isinstance(answer, list) or len(answer) != len(pairs):
            raise error_for(status, answer, "to change the members of campaigns")
        refused = {}
        for pair, result in zip(pairs, answer, strict=True):
            if not result.get("success"):
                problems = problems_in(result)
                refused[pair] = problems[0] if problems else Problem("UNKNOWN")
        return refused
