"""Meters and plans in the catalogue file."""

from payments.catalogue_file import register_section
from plans.catalogue_file.meters import METERS
from plans.catalogue_file.plans import PLANS


def register_sections() -> None:
    register_section(METERS)
    register_section(PLANS)


__all__ = ["register_sections"]
