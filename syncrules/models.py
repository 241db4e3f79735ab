"""The mapping tables and rules of connections, as people edit them."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from syncrules.specs import Direction, MappingSpec, Mode, RuleSpec, Side, SpecError


class MappingDirection(models.TextChoices):
    BOTH = "both", "both ways"
    A_TO_B = "a_to_b", "A to B"
    B_TO_A = "b_to_a", "B to A"


class RuleDirection(models.TextChoices):
    A_TO_B = "a_to_b", "A to B"
    B_TO_A = "b_to_a", "B to A"


class WriteMode(models.TextChoices):
    OVERWRITE = "overwrite", "overwrite"
    FILL = "fill", "fill if blank"
    CLEAR = "clear", "clear if empty"


class Winner(models.TextChoices):
    CONNECTION = "", "as the connection says"
    A = "a", "A"
    B = "b", "B"


class FieldMapping(models.Model):
    """A line of a connection's mapping table."""

    connection = models.ForeignKey("connections.Connection", models.CASCADE, related_name="mappings")
    position = models.PositiveIntegerField(default=0)
    name = models.CharField(max_length=200)
    a = models.JSONField(default=list, help_text="field keys of side A")
    b = models.JSONField(default=list, help_text="field keys of side B")
    direction = models.CharField(max_length=6, choices=MappingDirection.choices, default=MappingDirection.BOTH)
    mode = models.CharField(max_length=9, choices=WriteMode.choices, default=WriteMode.OVERWRITE)
    winner = models.CharField(max_length=1, choices=Winner.choices, default=Winner.CONNECTION, blank=True)
    pattern = models.CharField(
        max_length=200, default="", blank=True, help_text="how several fields make one, for example {0} {1}"
    )
    values = models.JSONField(
        default=list, blank=True, help_text="options that mean the same: [value on A, value on B]"
    )
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["connection", "name"], name="mapping_name_once")]

    def __str__(self) -> str:
        return self.name

    def spec(self) -> MappingSpec:
        return MappingSpec(
            name=self.name,
            a=tuple(self.a),
            b=tuple(self.b),
            direction=Direction(self.direction),
            mode=Mode(self.mode),
            winner=Side(self.winner) if self.winner else None,
            pattern=self.pattern,
            values=tuple((left, right) for left, right in self.values),
            enabled=self.enabled,
        )

    @classmethod
    def from_spec(cls, spec: MappingSpec, **fields: Any) -> FieldMapping:
        """An unsaved row; `fields` are the row's own, such as connection and position."""
        return cls(
            name=spec.name,
            a=list(spec.a),
            b=list(spec.b),
            direction=spec.direction.value,
            mode=spec.mode.value,
            winner=spec.winner.value if spec.winner else "",
            pattern=spec.pattern,
            values=[list(couple) for couple in spec.values],
            enabled=spec.enabled,
            **fields,
        )

    def clean(self) -> None:
        super().clean()
        data: dict[str, Any] = {"name": self.name, "a": self.a, "b": self.b, "values": self.values}
        try:
            MappingSpec.from_dict(data)
        except SpecError as error:
            raise ValidationError(_named(error, ("a", "b", "values"))) from error
        if self.pattern and len(self.a) == 1 and len(self.b) == 1:
            raise ValidationError({"pattern": "A pattern joins several fields; choose two or more on one side."})
        if len(self.a) > 1 and len(self.b) > 1:
            raise ValidationError("Several fields can be joined on one side only; map the parts one to one.")


class Rule(models.Model):
    """Which contacts of one side are in scope, and what is done to them on the other."""

    connection = models.ForeignKey("connections.Connection", models.CASCADE, related_name="rules")
    position = models.PositiveIntegerField(default=0)
    name = models.CharField(max_length=200)
    direction = models.CharField(max_length=6, choices=RuleDirection.choices)
    enabled = models.BooleanField(default=True)
    update_only = models.BooleanField(default=False, help_text="change contacts that exist, never create one")
    conditions = models.JSONField(default=list, blank=True, help_text="all must hold; none means every contact")
    actions = models.JSONField(default=list, blank=True)
    undo = models.BooleanField(default=False, help_text="take the actions back when a contact stops matching")
    mirror = models.BooleanField(default=False, help_text="the same rule the other way round")

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "direction", "name"], name="rule_name_once"),
        ]

    def __str__(self) -> str:
        return self.name

    def spec(self) -> RuleSpec:
        """Raises SpecError if the stored conditions or actions are not understood."""
        return RuleSpec.from_dict(self._data(), id="" if self.pk is None else str(self.pk))

    @classmethod
    def from_spec(cls, spec: RuleSpec, **fields: Any) -> Rule:
        """An unsaved row; the spec's id is left to the database."""
        return cls(
            name=spec.name,
            direction=spec.direction.value,
            enabled=spec.enabled,
            update_only=spec.update_only,
            conditions=[condition.to_dict() for condition in spec.conditions],
            actions=[action.to_dict() for action in spec.actions],
            undo=spec.undo,
            mirror=spec.mirror,
            **fields,
        )

    def _data(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "direction": self.direction,
            "enabled": self.enabled,
            "update_only": self.update_only,
            "if": self.conditions,
            "then": self.actions,
            "undo": self.undo,
            "mirror": self.mirror,
        }

    def clean(self) -> None:
        super().clean()
        try:
            RuleSpec.from_dict(self._data())
        except SpecError as error:
            raise ValidationError(_named(error, ("if", "then"))) from error


_COLUMNS = {"if": "conditions", "then": "actions"}


def _named(error: SpecError, known: tuple[str, ...]) -> dict[str, str] | str:
    """The error beside the form field it belongs to."""
    entry = error.path.partition("[")[0].partition(".")[0]
    if entry in known:
        return {_COLUMNS.get(entry, entry): f"{error.path}: {error.reason}"}
    return str(error)
