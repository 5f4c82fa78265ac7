"""Prices: immutable but for their name, lookup key, metadata and whether they are still sold."""

from __future__ import annotations

from decimal import Decimal

from ..errors import InvalidRequest, missing
from ..objects import Params, StripeObject
from ..pricing import cost
from ..values import check_currency, decimal_text, merge_metadata, nulls
from ..world import World
from . import products

_MAX_AMOUNT = 99_999_999


def _amount(given: Params, prefix: str = "unit_amount", where: str = "") -> tuple[int | None, str | None]:
    """(whole minor units or None, the same as a decimal) from ``unit_amount`` or ``unit_amount_decimal``."""
    whole, exact = given.get(prefix), given.get(f"{prefix}_decimal")
    if whole is not None and exact is not None:
        raise InvalidRequest(f"You may only specify one of these parameters: {prefix}, {prefix}_decimal.")
    if whole is None and exact is None:
        return None, None
    number = Decimal(str(whole if exact is None else exact))
    if number < 0:
        raise InvalidRequest("Invalid non-negative integer", code="parameter_invalid_integer", param=where + prefix)
    if number > _MAX_AMOUNT:
        raise InvalidRequest("Amount must be no more than $999,999.99", code="amount_too_large", param=where + prefix)
    return (int(number) if number == int(number) else None), decimal_text(number)


def _tiers(given: list[Params]) -> list[StripeObject]:
    tiers: list[StripeObject] = []
    last = 0
    for index, tier in enumerate(given):
        is_last = index == len(given) - 1
        up_to = tier["up_to"]
        if (up_to == "inf") != is_last:
            raise InvalidRequest(
                "The last tier, and only the last, must have up_to=inf.", param=f"tiers[{index}][up_to]"
            )
        if up_to != "inf" and up_to <= last:
            raise InvalidRequest("Tiers must be in ascending order of up_to.", param=f"tiers[{index}][up_to]")
        last = last if up_to == "inf" else up_to
        unit, unit_exact = _amount(tier, "unit_amount", f"tiers[{index}]")
        flat, flat_exact = _amount(tier, "flat_amount", f"tiers[{index}]")
        tiers.append(
            {
                "flat_amount": flat,
                "flat_amount_decimal": flat_exact,
                "unit_amount": unit,
                "unit_amount_decimal": unit_exact,
                "up_to": None if up_to == "inf" else up_to,
            }
        )
    return tiers


def _recurring(world: World, given: Params | None) -> StripeObject | None:
    if not given:
        return None
    recurring = {
        "interval": given["interval"],
        "interval_count": given.get("interval_count", 1),
        "meter": given.get("meter"),
        "trial_period_days": given.get("trial_period_days"),
        "usage_type": given.get("usage_type", "licensed"),
    }
    if recurring["meter"]:
        world.need("billing.meter", recurring["meter"], "recurring[meter]")
        if recurring["usage_type"] != "metered":
            raise InvalidRequest(
                "You may only set a meter on a price with usage_type=metered.", param="recurring[meter]"
            )
    elif recurring["usage_type"] == "metered":
        raise InvalidRequest(
            "Metered prices must be backed by a meter: set recurring[meter].", param="recurring[usage_type]"
        )
    return recurring


def make(world: World, params: Params) -> StripeObject:
    """A new price with ``price.created`` (and ``product.created`` when it brings its product along)."""
    currency = check_currency(params["currency"])
    if params.get("product_data"):
        product_id = products.make(world, params["product_data"])["id"]
    elif params.get("product"):
        product_id = world.need("product", params["product"], "product")["id"]
    else:
        raise missing("product")
    scheme = params.get("billing_scheme", "per_unit")
    unit, exact = _amount(params)
    custom = params.get("custom_unit_amount")
    if scheme == "per_unit" and exact is None and not (custom and custom.get("enabled")):
        raise InvalidRequest(
            "Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set.", param="unit_amount"
        )
    if scheme == "tiered" and not (params.get("tiers") and params.get("tiers_mode")):
        raise missing("tiers" if not params.get("tiers") else "tiers_mode")
    recurring = _recurring(world, params.get("recurring"))
    lookup_key = params.get("lookup_key")
    if lookup_key:
        claim_lookup_key(world, lookup_key, transfer=params.get("transfer_lookup_key", False))
    price = world.add(
        "price",
        active=params.get("active", True),
        billing_scheme=scheme,
        currency=currency,
        custom_unit_amount=_custom(custom),
        lookup_key=lookup_key,
        metadata=merge_metadata({}, params.get("metadata")),
        nickname=params.get("nickname"),
        product=product_id,
        recurring=recurring,
        tax_behavior=params.get("tax_behavior", "unspecified"),
        tiers_mode=params.get("tiers_mode") if scheme == "tiered" else None,
        transform_quantity=params.get("transform_quantity"),
        type="recurring" if recurring else "one_time",
        unit_amount=unit if scheme == "per_unit" else None,
        unit_amount_decimal=exact if scheme == "per_unit" else None,
        _tiers=_tiers(params["tiers"]) if scheme == "tiered" else None,
    )
    world.emit("price.created", price)
    return price


def _custom(given: Params | None) -> StripeObject | None:
    if not given or not given.get("enabled"):
        return None
    return nulls("maximum minimum preset") | {k: given[k] for k in ("maximum", "minimum", "preset") if k in given}


def claim_lookup_key(world: World, lookup_key: str, *, transfer: bool) -> None:
    """Free a lookup key for a new holder, or refuse where another price holds it and must not give it up."""
    for holder in world.find("price", lookup_key=lookup_key):
        if not transfer:
            raise InvalidRequest(
                f"A price (`{holder['id']}`) already uses that lookup key.",
                param="lookup_key",
                code="resource_already_exists",
            )
        holder["lookup_key"] = None
        world.emit_update("price.updated", holder)


def cost_of(price: StripeObject, quantity: int) -> int:
    """What ``quantity`` of a price costs, in whole minor units (half up); tiers and packages included."""
    return cost(price, Decimal(quantity))
