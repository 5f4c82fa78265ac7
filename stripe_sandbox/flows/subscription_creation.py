"""Making a subscription from parameters, with its first invoice: for requests, schedules and previews alike."""

from __future__ import annotations

from ..errors import InvalidRequest
from ..objects import Params, StripeObject
from ..parameters import refuse
from ..periods import nth
from ..proration import charge, unused
from ..resources import invoice_items, invoice_lines, prices, subscription_items, subscriptions
from ..values import decimal_text, merge_metadata
from ..world import World
from . import subscription_invoices, subscription_lifecycle


def make(world: World, customer: StripeObject, params: Params) -> tuple[StripeObject, StripeObject]:
    """A new subscription and its first invoice, a draft with all its lines."""
    refuse(
        params,
        "application_fee_percent",
        "backdate_start_date",
        "billing_cycle_anchor_config",
        "billing_schedules",
        "billing_thresholds",
        "default_tax_rates",
        "pending_invoice_item_interval",
        "transfer_data",
        "trial_from_plan",
    )
    given = params.get("items") or []
    priced = [subscription_items.price_for(world, entry, f"items[{i}]") for i, entry in enumerate(given)]
    if not priced:
        raise InvalidRequest("Missing required param: items.", code="parameter_missing", param="items")
    currency = priced[0]["currency"]
    if customer["currency"] not in (None, currency):
        raise InvalidRequest(
            "You cannot combine currencies on a single customer. This customer has an active subscription or invoice "
            f"in {customer['currency']}."
        )
    collects = params.get("collection_method", "charge_automatically")
    if collects == "send_invoice" and not params.get("days_until_due"):
        raise InvalidRequest(
            "days_until_due is required with send_invoice.", code="parameter_missing", param="days_until_due"
        )
    sub = subscriptions.blank(
        world,
        customer,
        currency=currency,
        automatic_tax={
            "disabled_reason": None,
            "enabled": (params.get("automatic_tax") or {}).get("enabled", False),
            "liability": None,
        },
        cancel_at_period_end=params.get("cancel_at_period_end", False),
        collection_method=collects,
        days_until_due=params.get("days_until_due"),
        default_payment_method=subscriptions.own_method(world, customer, params.get("default_payment_method")),
        description=params.get("description"),
        metadata=merge_metadata({}, params.get("metadata")),
        trial_settings=params.get("trial_settings") or {"end_behavior": {"missing_payment_method": "create_invoice"}},
    )
    subscriptions.payment_settings(sub, params)
    sub["items"]["data"] = [
        subscription_items.make(world, sub, price, entry.get("quantity"), entry.get("metadata"))
        for price, entry in zip(priced, given, strict=True)
    ]
    subscription_items.check(subscriptions.items(sub), currency)
    subscription_invoices.give_discounts(world, sub, params.get("discounts"))
    trial_end = _trial_end(world, params)
    interval = subscriptions.interval(sub)
    anchor = params.get("billing_cycle_anchor")
    end = nth(world.now, *interval, 1)
    if anchor is not None and not trial_end:
        furthest = nth(world.now, *interval, 1)
        if not world.now < anchor <= furthest:
            raise InvalidRequest(
                "billing_cycle_anchor cannot be later than the next natural billing date.", param="billing_cycle_anchor"
            )
        sub["billing_cycle_anchor"] = end = anchor
    free = _is_free(world, sub, trial_end)
    if free or collects == "send_invoice":
        sub["status"] = "active"
    invoice = subscription_lifecycle.begin(world, sub, trial_end=trial_end, first_period_end=end)
    if anchor is not None and not trial_end:
        _bill_first_part(world, sub, invoice, params.get("proration_behavior", "create_prorations"))
    else:
        subscription_invoices.bill_ahead(world, sub, invoice, *subscriptions.period(sub), trial=bool(trial_end))
    for entry in params.get("add_invoice_items") or []:
        _add_one_time(world, sub, invoice, entry)
    invoice_items.pull(world, invoice, invoice_items.pending(world, customer["id"], sub["id"]))
    if params.get("cancel_at"):
        subscriptions.cancel_at(world, sub, params["cancel_at"])
    return sub, invoice


def _is_free(world: World, sub: StripeObject, trial_end: int | None) -> bool:
    return bool(trial_end) or not any(
        subscription_items.period_cost(world, item)
        for item in subscriptions.items(sub)
        if not subscription_items.metered(item)
    )


def _trial_end(world: World, params: Params) -> int | None:
    if params.get("trial_end") == "now":
        return None
    if params.get("trial_end"):
        if params["trial_end"] <= world.now:
            raise InvalidRequest(
                "Invalid timestamp: must be an integer Unix timestamp in the future.", param="trial_end"
            )
        return int(params["trial_end"])
    days = params.get("trial_period_days")
    return world.now + days * 86400 if days else None


def _bill_first_part(world: World, sub: StripeObject, invoice: StripeObject, behaviour: str) -> None:
    """The stretch until a later anchor: prorated against a whole period, or free with ``none``."""
    start, end = subscriptions.period(sub)
    if behaviour == "none":
        return
    whole_start = nth(end, *subscriptions.interval(sub), -1)
    share = unused(whole_start, end, start)
    for item in subscriptions.items(sub):
        if subscription_items.metered(item):
            continue
        price = world.need("price", item["price"]["id"])
        amount = charge(subscription_items.period_cost(world, item), share)
        invoice_lines.add(
            world,
            invoice,
            amount=amount,
            description=subscription_items.label(world, item),
            start=start,
            end=end,
            parent=subscription_invoices.item_parent(sub, item, proration=True),
            price=price,
            quantity=item["quantity"],
            unit_amount=decimal_text(amount) if item["quantity"] == 1 else None,
        )


def _add_one_time(world: World, sub: StripeObject, invoice: StripeObject, entry: Params) -> None:
    price = world.need("price", entry.get("price"), "add_invoice_items[0][price]")
    quantity = entry.get("quantity", 1)
    product = world.need("product", price["product"])
    invoice_lines.add(
        world,
        invoice,
        amount=prices.cost_of(price, quantity),
        description=product["name"],
        start=world.now,
        end=world.now,
        parent=None,
        price=price,
        quantity=quantity,
    )
