"""What an app declares of its tables in the catalogue file, how rows come of it, and the list of all sections."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self, TypeVar, get_args

from django.db import models
from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from core.locks import for_update

Row = TypeVar("Row", bound=models.Model)
# The key, or "" for the whole table, and what is wrong with it.
Problem = tuple[str, str]


@dataclass(frozen=True)
class _Kept:
    """A value that is there already. It stays as it is, whether or not a file may say it."""

    value: Any


class Declared(BaseModel):
    """Takes the keys that it declares and no others, and values of their own type only.

    In writing the file, what is empty is left out if leaving it out says the same: if it is the key's default.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    # Keys that are not called like the column they are kept in.
    columns: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def of_row(cls, row: object, **others: Any) -> Self:
        """What the columns of a row say, and `others`; a row need not fit what a file may say."""
        names = cls.model_fields.keys() - others.keys()
        return cls.model_construct(**others, **{name: getattr(row, cls.columns.get(name, name)) for name in names})

    def as_columns(self, names: Iterable[str]) -> dict[str, Any]:
        return {self.columns.get(name, name): getattr(self, name) for name in names}

    def problems(self) -> Iterable[Problem]:
        """What only shows in several keys together; asked when each of them is in order."""
        return ()

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        problems: list[InitErrorDetails] = [
            {
                "type": PydanticCustomError("refused", "{words}", {"words": words}),
                "loc": (key,) if key else (),
                "input": self,
            }
            for key, words in self.problems()
        ]
        if problems:
            raise ValidationError.from_exception_data(type(self).__name__, problems)
        return self


class Table(Declared):
    """A table within an entry. It is given as a whole, so what it leaves out has its default."""


class Entry(Declared):
    """One table of the array `[[section]]`, told apart by `code`. Sections are saved and written by `order`, so that
    what is referred to comes first.

    An entry that exists may leave out what it does not want to change; a new one gets the defaults of its columns.
    """

    section: ClassVar[str]
    order: ClassVar[int]
    # Keys that say the same in different ways: giving any takes the place of all that are there.
    alternatives: ClassVar[Set[str]] = frozenset()

    code: str

    @classmethod
    @abstractmethod
    def present(cls) -> Iterable[Self]:
        """All that the database holds, in the order of the file."""

    @abstractmethod
    def save(self, *, changed: Set[str], now: datetime) -> None:
        """Create it with the keys in `changed`, or update those, in the transaction that is open.

        Raises PortalError for what only the database can tell; the file is then refused as a whole.
        """

    @classmethod
    def finish(cls, *, now: datetime) -> None:
        """Runs once when all of the file has been saved, for what only shows in all entries together.

        Raises PortalError; the file is then refused as a whole.
        """

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any, known: ValidationInfo) -> Any:
        code = given.get("code") if isinstance(given, dict) else None
        present = (known.context or {})[cls.section].get(code) if isinstance(code, str) else None
        if present is None:
            return given
        replaced = cls.alternatives if cls.alternatives & given.keys() else frozenset()
        return {name: _Kept(value) for name, value in present if name not in replaced} | given

    @field_validator("*", mode="wrap")
    @classmethod
    def _keep(cls, value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        return value.value if isinstance(value, _Kept) else validate(value)


_sections: dict[str, type[Entry]] = {}


def register_section(entry: type[Entry]) -> None:
    _sections[entry.section] = entry


def sections() -> dict[str, type[Entry]]:
    """By name, in the order in which they build on each other."""
    return dict(sorted(_sections.items(), key=lambda item: item[1].order))


def table_of(annotation: object) -> type[Declared] | None:
    """The table that a key holds one or several of: `RateEntry` for `list[RateEntry] | None`."""
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, Declared) else None
    return next(filter(None, map(table_of, get_args(annotation))), None)


def save_row(model: type[Row], code: str, columns: Mapping[str, Any]) -> Row:
    """Create or update the row with this code. Raises Django's ValidationError."""
    row = for_update(model._default_manager.filter(code=code)).first() or model(code=code)
    for name, value in columns.items():
        setattr(row, name, value)
    row.full_clean()
    row.save()
    return row


def replace_rows(present: "models.QuerySet[Row]", wanted: Iterable[Row]) -> None:
    """Put these rows in the place of those. Raises Django's ValidationError."""
    present.delete()
    for row in wanted:
        row.full_clean()
        row.save(force_insert=True)
