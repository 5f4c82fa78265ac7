"""Prices: never changed at Stripe. A new amount is a new price that takes over the lookup key; the old one is archived,
and those who subscribed to it go on paying it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from core.money import Money
from payments.errors import NotAtStripe
from payments.gateway import catalogue as gateway
from payments.models import CatalogueEntry
from payments.stripe_catalogue import entries
from payments.stripe_catalogue.entries import Kind
from payments.stripe_catalogue.report import Report
from payments.stripe_catalogue.specs import Fields, PriceSpec, TierSpec
from payments.stripe_objects.fields import StripeObject


def sync_prices(specs: Iterable[PriceSpec], *, now: datetime, report: Report) -> list[StripeObject]:
    """Bring Stripe in line; returns the prices that are sold, as Stripe has them now."""
    specs = list(specs)
    at_stripe = gateway.prices(lookup_keys=[spec.lookup_key for spec in specs])
    synced = [_sync_one(spec, at_stripe.get(spec.lookup_key), now=now, report=report) for spec in specs]
    _archive_superseded(now=now, report=report)
    return [price for price in synced if price is not None]


def price_as_specified(spec: PriceSpec) -> str:
    """The id of the price at Stripe with exactly these terms. Raises `NotAtStripe` when ours has changed since the
    sync: nobody is to be shown one price and charged another.
    """
    entry = CatalogueEntry.objects.current().filter(kind=Kind.PRICE, code=spec.lookup_key).first()
    if entry is None or not entry.stripe_id or entry.fingerprint != entries.digest(terms_of(spec) | labels_of(spec)):
        raise NotAtStripe(f"The price {spec.lookup_key} has changed. Run `manage.py sync_catalog`, then try again.")
    return entry.stripe_id


def _sync_one(spec: PriceSpec, remote: StripeObject | None, *, now: datetime, report: Report) -> StripeObject | None:
    if remote is None and not spec.active:
        return None
    entry = entries.current_entry(kind=Kind.PRICE, code=spec.lookup_key)
    terms, labels = terms_of(spec), labels_of(spec)
    fingerprint = entries.digest(terms | labels)
    if entry.stripe_id and (remote is None or remote["id"] != entry.stripe_id):
        where = f"moved to {remote['id']}" if remote else "taken away"
        report.edit(f"price {spec.lookup_key}: its lookup key was {where}.")
        entry = entries.supersede(entry, now=now)
    if remote is not None and terms_at_stripe(remote) == terms:
        return _relabel(spec, entry, remote, fingerprint, now=now, report=report)
    if not spec.active:
        return None
    if entry.stripe_id:
        entry = entries.supersede(entry, now=now)
    fields = terms | labels | {"transfer_lookup_key": True}
    made = gateway.create_price(idempotency_key=entries.next_key(entry, fields), **fields)
    entries.mark_confirmed(entry, stripe_id=made["id"], fingerprint=fingerprint, now=now)
    if remote is None:
        report.change(f"Created price {spec.lookup_key}: {describe(spec)}.")
    else:
        report.change(f"Price {spec.lookup_key} is now {describe(spec)}; those who have the old one keep it.")
        if not CatalogueEntry.objects.filter(stripe_id=remote["id"]).exists():
            _archive(remote["id"], entry)
    return made


def _relabel(
    spec: PriceSpec, entry: CatalogueEntry, remote: StripeObject, fingerprint: str, *, now: datetime, report: Report
) -> StripeObject:
    """The terms are right; see to what may be changed in place."""
    labels = labels_of(spec) | {"active": spec.active}
    at_stripe = {
        "lookup_key": remote["lookup_key"],
        "nickname": remote.get("nickname") or "",
        "metadata": {name: (remote.get("metadata") or {}).get(name) for name in labels["metadata"]},
        "active": remote["active"],
    }
    changes = {name: value for name, value in labels.items() if at_stripe[name] != value}
    if changes:
        if entry.fingerprint == fingerprint and entry.stripe_id == remote["id"] and spec.active:
            report.edit(f"price {spec.lookup_key}: {', '.join(changes)}. Set back.")
        remote = gateway.update_price(
            price=remote["id"], idempotency_key=entries.next_key(entry, changes | {"price": remote["id"]}), **changes
        )
        report.change(f"{'Updated' if spec.active else 'Archived'} price {spec.lookup_key}: {', '.join(changes)}.")
    if changes or (entry.stripe_id, entry.fingerprint) != (remote["id"], fingerprint):
        entries.mark_confirmed(entry, stripe_id=remote["id"], fingerprint=fingerprint, now=now)
    return remote


def _archive_superseded(*, now: datetime, report: Report) -> None:
    """Take off sale what was replaced; also what an interrupted run left on sale."""
    left = CatalogueEntry.objects.filter(kind=Kind.PRICE, superseded_at__isnull=False, stripe_id__isnull=False)
    for entry in left.exclude(fingerprint=entries.ARCHIVED):
        _archive(entry.stripe_id or "", entry)
        entries.mark_confirmed(entry, stripe_id=entry.stripe_id or "", fingerprint=entries.ARCHIVED, now=now)
        report.change(f"Archived the former price {entry.stripe_id} of {entry.code}.")


def _archive(price: str, entry: CatalogueEntry) -> None:
    key = entries.next_key(entry, {"archive": price})
    gateway.update_price(price=price, idempotency_key=key, active=False)


def labels_of(spec: PriceSpec) -> Fields:
    """What may change at any time. A nickname cannot be removed at Stripe once given, so an empty one is never sent."""
    labels: Fields = {"lookup_key": spec.lookup_key, "metadata": dict(spec.metadata)}
    return labels | ({"nickname": spec.nickname} if spec.nickname else {})


def terms_of(spec: PriceSpec) -> Fields:
    """What can never change, in the form in which Stripe takes it."""
    terms: Fields = {"product": entries.stripe_product_id(spec.product), "currency": spec.currency.lower()}
    if spec.open_amount:
        minimum, maximum = spec.open_amount
        terms["custom_unit_amount"] = {"enabled": True, "minimum": minimum, "maximum": maximum}
    elif spec.tiers:
        terms |= {"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": [_tier(tier) for tier in spec.tiers]}
    else:
        terms["unit_amount_decimal"] = _plain(spec.amount)
    if spec.package_size:
        terms["transform_quantity"] = {"divide_by": spec.package_size, "round": "up"}
    if spec.interval:
        recurring: Fields = {"interval": spec.interval, "interval_count": spec.interval_count}
        if spec.meter:
            recurring |= {"usage_type": "metered", "meter": entries.stripe_meter_id(spec.meter)}
        terms["recurring"] = recurring
    return terms


def terms_at_stripe(price: StripeObject) -> Fields:
    """The same, read from a price at Stripe."""
    product = price["product"]
    terms: Fields = {
        "product": product["id"] if isinstance(product, Mapping) else product,
        "currency": price["currency"],
    }
    if custom := price.get("custom_unit_amount"):
        terms["custom_unit_amount"] = {"enabled": True, "minimum": custom["minimum"], "maximum": custom["maximum"]}
    elif price["billing_scheme"] == "tiered":
        tiers = [
            {
                "up_to": "inf" if tier["up_to"] is None else tier["up_to"],
                "unit_amount_decimal": _plain(tier.get("unit_amount_decimal") or tier.get("unit_amount") or 0),
                "flat_amount": tier.get("flat_amount") or 0,
            }
            for tier in price.get("tiers") or []
        ]
        terms |= {"billing_scheme": "tiered", "tiers_mode": price["tiers_mode"], "tiers": tiers}
    else:
        terms["unit_amount_decimal"] = _plain(price.get("unit_amount_decimal") or price.get("unit_amount") or 0)
    if transform := price.get("transform_quantity"):
        terms["transform_quantity"] = {"divide_by": transform["divide_by"], "round": transform["round"]}
    if recurring := price.get("recurring"):
        terms["recurring"] = {"interval": recurring["interval"], "interval_count": recurring["interval_count"]}
        if recurring.get("usage_type") == "metered":
            terms["recurring"] |= {"usage_type": "metered", "meter": recurring.get("meter")}
    return terms


def describe(spec: PriceSpec) -> str:
    """In words, for the operator: `$29.00 per month`."""
    every = "" if not spec.interval else f" per {spec.interval_count} {spec.interval}s"
    if spec.interval and spec.interval_count == 1:
        every = f" per {spec.interval}"
    if spec.open_amount:
        minimum, maximum = spec.open_amount
        return f"{Money(minimum, spec.currency)} to {Money(maximum, spec.currency)}{every}"
    if spec.tiers:
        return f"{len(spec.tiers)} tiers in {spec.currency}{every}"
    amount = Decimal(spec.amount or 0)
    whole = amount == amount.to_integral_value()
    shown = Money(int(amount), spec.currency) if whole else f"{_plain(amount)} minor units of {spec.currency}"
    return f"{shown}{f' for {spec.package_size}' if spec.package_size else ''}{every}"


def _tier(tier: TierSpec) -> Fields:
    return {
        "up_to": "inf" if tier.up_to is None else tier.up_to,
        "unit_amount_decimal": _plain(tier.unit_amount),
        "flat_amount": tier.flat_amount,
    }


def _plain(number: object) -> str:
    """`Decimal("7.50")` and `"7.5"` alike: `7.5`."""
    return f"{Decimal(str(number)).normalize():f}"
