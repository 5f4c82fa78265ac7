"""What is wrong with a catalogue file, each with its place, in words for whoever wrote it."""

from collections.abc import Sequence

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as RowRefused
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from core.errors import PortalError
from payments.catalogue_file.entries import Declared, table_of

WORDS = {
    "model_type": "must be a table",
    "missing": "is missing",
    "string_type": "must be a text in quotation marks",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number without quotation marks",
    "too_short": "needs at least {min_length}",
    "decimal_type": 'must be a number in quotation marks, such as "12.5"',
    "decimal_parsing": 'must be a number in quotation marks, such as "12.5", and is {given!r}',
    "finite_number": "must be a finite number",
    "decimal_max_places": "must not have more than {decimal_places} decimal places, and is {given}",
    "greater_than": "must be more than {gt}, and is {given}",
    "greater_than_equal": "must be at least {ge}, and is {given}",
    "less_than": "must be less than {lt:,.0f}",
}


class CatalogueRefused(PortalError):
    """Nothing was changed. `problems` name everything that is wrong, each with its place: `packs[2].price: …`."""

    code = "catalogue_refused"
    http_status = 400

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems), problems=problems)
        self.problems = problems


def refused_by_schema(error: ValidationError, schema: type[Declared]) -> list[str]:
    return list(dict.fromkeys(_problem(each, schema) for each in error.errors(include_url=False)))


def refused_in_saving(error: PortalError | RowRefused, place: str) -> list[str]:
    if isinstance(error, PortalError):
        field = getattr(error, "field", None)
        return [f"{place}.{field}: {error.message}" if field else f"{place}: {error.message}"]
    return [
        f"{place}{'' if name == NON_FIELD_ERRORS else f'.{name}'}: {' '.join(messages)}"
        for name, messages in error.message_dict.items()
    ]


def _problem(error: ErrorDetails, schema: type[Declared]) -> str:
    kind, steps, context = error["type"], error["loc"], error.get("ctx", {})
    table = _table_at(schema, steps)
    if isinstance(steps[-1], int) and (table is None or kind == "model_type"):
        # An item that is no table: it is said of the list.
        kind, steps = "list_type" if table else kind, steps[:-1]
    if kind == "value_error":
        words = str(context["error"])
    elif kind == "extra_forbidden":
        keys = (_table_at(schema, steps[:-1]) or schema).model_fields
        words = f"is not known here; known are {', '.join(keys)}"
    elif kind == "list_type":
        under = f", each under [[{steps[0]}]]" if len(steps) == 1 else ""
        words = f"must be a list of {f'tables{under}' if table else 'texts'}"
    else:
        words = WORDS[kind].format(given=error["input"], **context) if kind in WORDS else error["msg"]
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return f"{place.removeprefix('.')}: {words}"


def _table_at(schema: type[Declared], steps: Sequence[int | str]) -> type[Declared] | None:
    """What is declared there; None for texts, numbers and what is not known."""
    table: type[Declared] | None = schema
    for step in steps:
        if table and isinstance(step, str):
            field = table.model_fields.get(step)
            table = table_of(field.annotation) if field else None
    return table
