"""Database fields of this app."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.text import capfirst

from plans.engine import price_ladders
from plans.forms import LadderFormField


class LadderField(models.JSONField):
    """A ladder, kept in the form of the catalogue file and handed out as a value of `plans.engine.price_ladders`."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        loaded = super().from_db_value(value, expression, connection)
        return None if loaded is None else price_ladders.parse(loaded)

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(_as_json(value))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return super().get_db_prep_value(_as_json(value), connection, prepared)

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, (price_ladders.Graduated, price_ladders.PerPackage)):
            return value
        try:
            return price_ladders.parse(value)
        except price_ladders.InvalidLadder as problem:
            raise ValidationError(str(problem), code="invalid_ladder") from None

    def validate(self, value: Any, model_instance: Any) -> None:
        super().validate(_as_json(value), model_instance)

    def formfield(self, **kwargs: Any) -> Any:
        label, help_text = capfirst(self.verbose_name), self.help_text
        return LadderFormField(required=not self.blank, label=label, help_text=help_text)

    def value_to_string(self, obj: Any) -> Any:
        return _as_json(self.value_from_object(obj))


def _as_json(value: Any) -> Any:
    return value.as_json() if isinstance(value, (price_ladders.Graduated, price_ladders.PerPackage)) else value
