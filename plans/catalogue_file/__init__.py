"""Meters and plans in the catalogue file."""

from plans.catalogue_file.meters import METERS
from plans.catalogue_file.plans import PLANS

__all__ = ["METERS", "PLANS"]
