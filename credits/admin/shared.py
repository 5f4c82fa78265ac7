"""What the admin pages of credits have in common."""

from typing import Any

from django import forms
from django.contrib import admin

from accounts.errors import InvalidInput, PortalError
from credits.quantities import grouped


def add_problem(form: forms.Form, problem: PortalError) -> None:
    """Show a service's refusal at the field it names, or above the form."""
    field = problem.field if isinstance(problem, InvalidInput) and problem.field in form.fields else None
    form.add_error(field, problem.message)


def quantity(field: str) -> Any:
    """A column or read-only field of exact credits as people write them: `1,000`, not `1000.000000`."""

    @admin.display(description=field.replace("_", " "), ordering=field, empty_value="-")
    def shown(record: Any) -> str | None:
        value = getattr(record, field)
        return None if value is None else grouped(value)

    shown.__name__ = field
    return shown
