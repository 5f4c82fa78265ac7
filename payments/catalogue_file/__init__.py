"""The catalogue as a TOML file: `load_catalog`, `dump_catalog`.

An app declares each of its tables as a `Section`: the fields of an entry, how one is saved and how all are read. The
reading, checking, reporting and writing is done here, so that every table refuses and reports in the same words::

    register_section(
        Section(
            name="units",
            order=10,
            fields={"code": Code(), "name": Text(max_length=120), "step": Quantity(optional=True), "retired": Flag()},
            known=lambda: Unit.objects.values_list("code", flat=True),
            save=save_unit,      # (entry: dict, now) -> Change
            read=dump_units,     # () -> list of entries, as they would stand in the file
        )
    )
"""

from payments.catalogue_file.fields import (
    Amount,
    Choice,
    Code,
    Currency,
    Field,
    Flag,
    Quantity,
    Reference,
    Table,
    Tables,
    Text,
    Texts,
    Whole,
)
from payments.catalogue_file.loading import CatalogueRefused, load
from payments.catalogue_file.sections import Change, Section, register_section, save_by_code
from payments.catalogue_file.writing import dump

__all__ = [
    "Amount",
    "CatalogueRefused",
    "Change",
    "Choice",
    "Code",
    "Currency",
    "Field",
    "Flag",
    "Quantity",
    "Reference",
    "Section",
    "Table",
    "Tables",
    "Text",
    "Texts",
    "Whole",
    "dump",
    "load",
    "register_section",
    "save_by_code",
]
