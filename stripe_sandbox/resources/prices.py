"""Prices: immutable but for their name, lookup key, metadata and whether they are still sold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ..errors import InvalidRequest, missing
from ..expand import includable
from ..lists import page
from ..parameters import Params
from ..routes import route
from ..store import Obj
from ..values import check_currency, decimal_text, merge_metadata, nulls
from ..world import World

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


def _tiers(given: list[Params]) -> list[Obj]:
    tiers: list[Obj] = []
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


def _recurring(world: World, given: Params | None) -> Obj | None:
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


def make(world: World, params: Params) -> Obj:
    """A new price with ``price.created`` (and ``product.created`` when it brings its product along)."""
    from . import products

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
        _claim_lookup_key(world, lookup_key, transfer=params.get("transfer_lookup_key", False))
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


def _custom(given: Params | None) -> Obj | None:
    if not given or not given.get("enabled"):
        return None
    return nulls("maximum minimum preset") | {k: given[k] for k in ("maximum", "minimum", "preset") if k in given}


def _claim_lookup_key(world: World, lookup_key: str, *, transfer: bool) -> None:
    for holder in world.find("price", lookup_key=lookup_key):
        if not transfer:
            raise InvalidRequest(
                f"A price (`{holder['id']}`) already uses that lookup key.",
                param="lookup_key",
                code="resource_already_exists",
            )
        holder["lookup_key"] = None
        world.emit_update("price.updated", holder)


@route("POST /v1/prices", "PriceCreateParams")
def create(world: World, params: Params) -> Obj:
    """Create a price."""
    return make(world, params)


@route("GET /v1/prices", "PriceListParams")
def index(world: World, params: Params) -> Obj:
    """Prices, newest first."""
    keys, recurring = params.get("lookup_keys"), params.get("recurring") or {}

    def keep(price: Obj) -> bool:
        shape: dict[str, Any] = price["recurring"] or {}
        return (
            (keys is None or price["lookup_key"] in keys)
            and ("active" not in params or price["active"] == params["active"])
            and all(shape.get(name) == value for name, value in recurring.items())
        )

    return page(
        world,
        params,
        "price",
        "/v1/prices",
        keep=keep,
        product=params.get("product"),
        currency=params.get("currency"),
        type=params.get("type"),
    )


@route("GET /v1/prices/{id}")
def retrieve(world: World, params: Params, id: str) -> Obj:
    """One price."""
    return world.at("price", id)


@route("POST /v1/prices/{id}", "PriceUpdateParams")
def update(world: World, params: Params, id: str) -> Obj:
    """Change what may change; the amount may not."""
    price = world.at("price", id)
    if "active" in params:
        price["active"] = params["active"]
    if "nickname" in params:
        price["nickname"] = params["nickname"] or None
    if "metadata" in params:
        price["metadata"] = merge_metadata(price["metadata"], params["metadata"])
    if "tax_behavior" in params:
        if price["tax_behavior"] not in ("unspecified", params["tax_behavior"]):
            raise InvalidRequest("tax_behavior cannot be changed once it was set.", param="tax_behavior")
        price["tax_behavior"] = params["tax_behavior"]
    if "lookup_key" in params:
        wanted = params["lookup_key"] or None
        if wanted and wanted != price["lookup_key"]:
            _claim_lookup_key(world, wanted, transfer=params.get("transfer_lookup_key", False))
        price["lookup_key"] = wanted
    world.emit_update("price.updated", price)
    return price


@includable("price", "tiers")
def _shown_tiers(world: World, price: Obj) -> Any:
    stored = world.get(price["id"])
    return stored and stored["_tiers"]


@includable("price", "currency_options")
def _currency_options(world: World, price: Obj) -> Obj:
    names = ("custom_unit_amount", "tax_behavior", "unit_amount", "unit_amount_decimal")
    return {price["currency"]: {name: price[name] for name in names}}
