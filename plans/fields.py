"""Database fields of this app."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.text import capfirst

from plans.engine import price_ladders
from plans.engine.price_ladders import Graduated, Ladder, PerPackage
from plans.forms import LadderFormField


class LadderField(models.JSONField):
    """A ladder, kept in the form of the catalogue file and handed out as one of `plans.engine.price_ladders`."""

    def from_db_value(
        self, value: str | None, expression: models.Expression, connection: BaseDatabaseWrapper
    ) -> Ladder | None:
        loaded = super().from_db_value(value, expression, connection)
        return None if loaded is None else price_ladders.parse(loaded)

    def get_prep_value(self, value: object) -> object:
        return super().get_prep_value(_as_json(value))

    def get_db_prep_value(self, value: object, connection: BaseDatabaseWrapper, prepared: bool = False) -> object:
        return super().get_db_prep_value(_as_json(value), connection, prepared)

    def to_python(self, value: object) -> Ladder | None:
        if value is None or isinstance(value, (Graduated, PerPackage)):
            return value
        try:
            return price_ladders.parse(value)
        except price_ladders.InvalidLadder as problem:
            raise ValidationError(str(problem), code="invalid_ladder") from None

    def validate(self, value: object, model_instance: models.Model | None) -> None:
        super().validate(_as_json(value), model_instance)

    def formfield(self, **kwargs: object) -> LadderFormField:
        label, help_text = capfirst(self.verbose_name), self.help_text
        return LadderFormField(required=not self.blank, label=label, help_text=help_text)

    def value_to_string(self, obj: models.Model) -> Any:
        return _as_json(self.value_from_object(obj))


def _as_json(value: object) -> object:
    return value.as_json() if isinstance(value, (Graduated, PerPackage)) else value
