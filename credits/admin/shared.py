"""What the admin pages of credits have in common."""

from functools import cache
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from core.admin.figures import Panel
from core.admin.records import ReadOnlyAdmin
from core.errors import InvalidInput, PortalError
from core.fields import QuantityField
from core.quantities import grouped

SALES = Panel(10, "Credits sold, last 30 days")
OWED = Panel(20, "Owed in credits")


def add_problem(form: forms.Form, problem: PortalError) -> None:
    """Show a service's refusal at the field it names, or above the form."""
    field = problem.field if isinstance(problem, InvalidInput) and problem.field in form.fields else None
    form.add_error(field, problem.message)


@cache
def quantity(field: str) -> Any:
    """A column or read-only field of exact credits as people write them: `1,000`, not `1000.000000`."""

    @admin.display(description=field.replace("_", " "), ordering=field, empty_value="-")
    def shown(record: Any) -> str | None:
        value = getattr(record, field)
        return None if value is None else grouped(value)

    shown.__name__ = field
    return shown


class RecordAdmin(ReadOnlyAdmin):
    """Shows every field of a row, its quantities as people write them."""

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        exact = {field.name for field in self.model._meta.fields if isinstance(field, QuantityField)}
        return [quantity(name) if name in exact else name for name in super().get_fields(request, obj)]
