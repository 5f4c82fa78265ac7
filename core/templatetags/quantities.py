"""Quantities in templates."""

from decimal import Decimal

from django import template

from core.quantities import grouped

register = template.Library()


@register.filter
def quantity(number: Decimal | int | None) -> str:
    """`134.59`, `1,000`: every exact place and no further zeros; nothing at all reads as zero."""
    return grouped(Decimal(number or 0))
