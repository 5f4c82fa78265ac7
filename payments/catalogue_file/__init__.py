"""The catalogue as a TOML file: `load_catalog`, `dump_catalog`.

An app declares the entries of each of its tables, and how one is read from its row and saved, as a class. What is the
same for all of them, reading, refusing by place, reporting and writing, is done here::

    class UnitEntry(Entry):
        section = "units"
        order = 10

        code: Annotated[str, values.code(40)]
        name: Annotated[str, values.text(80)]
        step: values.PositiveQuantity | None = None

        @classmethod
        def present(cls) -> Iterator[Self]: ...

        def save(self, *, changed: Set[str], now: datetime) -> None: ...

    register_section(UnitEntry)
"""

from payments.catalogue_file.entries import register_section
from payments.catalogue_file.loading import load
from payments.catalogue_file.refusals import CatalogueRefused
from payments.catalogue_file.writing import dump

__all__ = ["CatalogueRefused", "dump", "load", "register_section"]
