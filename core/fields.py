"""Columns that hold what this package knows."""

from typing import TYPE_CHECKING, Any

from django.db import models

from core.quantities import MAX_DIGITS, PLACES

if TYPE_CHECKING:
    _DecimalColumn = models.DecimalField[Any, Any]
else:  # Django's fields take no parameters
    _DecimalColumn = models.DecimalField


class QuantityField(_DecimalColumn):
    """Credits or a quantity, exact: `core.quantities` says what that is."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs |= {"max_digits": MAX_DIGITS, "decimal_places": PLACES}
        super().__init__(**kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs
