"""Columns that hold what this package knows."""

from typing import Any

from django.db import models

from core.quantities import MAX_DIGITS, PLACES


class QuantityField(models.DecimalField):
    """Credits or a quantity: numeric(20, 6)."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs |= {"max_digits": MAX_DIGITS, "decimal_places": PLACES}
        super().__init__(**kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs
