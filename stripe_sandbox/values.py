"""Small things every resource does: metadata, money, attributes copied from parameters."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .errors import InvalidRequest
from .objects import Params, StripeObject

ZERO_DECIMAL = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf")
)
THREE_DECIMAL = frozenset(("bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"))


def merge_metadata(current: StripeObject | None, given: Any) -> dict[str, str]:
    """Stripe's rule: keys are merged, an empty value unsets a key, an empty ``metadata`` unsets them all."""
    if given == "":
        return {}
    merged = dict(current or {})
    for key, value in (given or {}).items():
        if value == "":
            merged.pop(key, None)
            continue
        if len(key) > 40 or len(value) > 500:
            raise InvalidRequest(
                "Metadata keys can have up to 40 characters and values up to 500 characters.", param=f"metadata[{key}]"
            )
        merged[key] = value
    if len(merged) > 50:
        raise InvalidRequest("Metadata can have up to 50 keys.", param="metadata")
    return merged


def assign(obj: StripeObject, params: Params, names: Iterable[str]) -> None:
    """Copy these parameters, where given; an empty string unsets."""
    for name in names:
        if name in params:
            obj[name] = None if params[name] == "" else params[name]


def address(given: Any) -> StripeObject | None:
    """A full address with every part present."""
    if not given:
        return None
    return {part: given.get(part) for part in ("city", "country", "line1", "line2", "postal_code", "state")}


def round_half_up(value: Decimal) -> int:
    """To whole minor units; halves away from zero."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def decimal_text(value: Any) -> str:
    """A decimal as Stripe writes it: no exponent, no trailing zeros."""
    text = format(Decimal(str(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(amount: int, currency: str) -> str:
    """An amount in minor units for people: ``$20.00``, ``€5.00``, ``1,000 JPY``."""
    places = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    number = f"{Decimal(abs(amount)).scaleb(-places):,.{places}f}"
    sign = "-" if amount < 0 else ""
    symbol = {"usd": "$", "eur": "€", "gbp": "£"}.get(currency)
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {currency.upper()}"


def check_currency(currency: str, param: str = "currency") -> str:
    """Lower-case ISO code, or Stripe's refusal."""
    if len(currency) != 3 or not currency.isalpha():
        raise InvalidRequest(f"Invalid currency: {currency}.", param=param)
    return currency.lower()


def nulls(names: str) -> dict[str, Any]:
    """``{"a": None, "b": None}`` for ``"a b"``: the attributes Stripe shows although nothing is in them."""
    return dict.fromkeys(names.split())


def date_text(moment: int) -> str:
    """``15 Jan 2026``, in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%d %b %Y")
