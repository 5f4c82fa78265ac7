"""Changing a running subscription: its items, its anchor, its trial; prorating; and updates that wait for a payment."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..errors import CardError, InvalidRequest, missing
from ..parameters import Params
from ..periods import nth
from ..proration import charge, credit, unused
from ..store import Obj
from ..values import date_text, decimal_text, merge_metadata
from ..world import World, public
from . import (
    collection,
    invoice_items,
    invoices,
    payment_intents,
    prices,
    subscription_invoices,
    subscription_shape,
    subscriptions,
)

_MAX_ITEMS = 20
# What a change touches, and what is put back when it has to wait for its payment.
_TOUCHED = ("items", "billing_cycle_anchor", "trial_start", "trial_end", "status")
_PENDING_SECONDS = 23 * 3600


@dataclass
class Change:
    """What is to change, and how to bill it. ``items`` is the parameter as given."""

    items: list[Params] = field(default_factory=list)
    proration_behavior: str = "create_prorations"
    proration_date: int | None = None
    anchor_now: bool = False
    trial_end: Any = None  # None: as it is; "now"; a timestamp
    payment_behavior: str = "allow_incomplete"
    off_session: bool = False


def wanted(params: Params, items: list[Params] | None = None) -> Change:
    """The change a request asks for; ``items`` in place of the parameter of that name."""
    return Change(
        items=(params.get("items") or []) if items is None else items,
        proration_behavior=params.get("proration_behavior", "create_prorations"),
        proration_date=params.get("proration_date"),
        anchor_now=params.get("billing_cycle_anchor") == "now",
        trial_end=params.get("trial_end"),
        payment_behavior=params.get("payment_behavior", "allow_incomplete"),
        off_session=bool(params.get("off_session", False)),
    )


def price_for(world: World, given: Params, where: str) -> Obj:
    """The recurring price an item names or brings along."""
    if given.get("price") or given.get("plan"):
        price = world.need("price", given.get("price") or given.get("plan"), f"{where}[price]")
        if not price["active"]:
            raise InvalidRequest(
                "The price specified is inactive. This field only accepts active prices.", param=f"{where}[price]"
            )
    elif given.get("price_data"):
        price = prices.make(world, given["price_data"])
    else:
        raise missing(f"{where}[price]")
    if price["type"] != "recurring":
        raise InvalidRequest(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
            param=f"{where}[price]",
        )
    return price


def check_items(items: list[Obj], currency: str) -> None:
    """Stripe's rules for the items of one subscription."""
    if not items:
        raise InvalidRequest("A subscription must have at least one active item.", param="items")
    if len(items) > _MAX_ITEMS:
        raise InvalidRequest("A subscription can have up to 20 items.", param="items")
    ids = [item["price"]["id"] for item in items]
    if len(set(ids)) < len(ids):
        raise InvalidRequest("Cannot add multiple subscription items with the same price.", param="items")
    intervals = {(i["price"]["recurring"]["interval"], i["price"]["recurring"]["interval_count"]) for i in items}
    if len(intervals) > 1:
        raise InvalidRequest(
            "Currently, all of a subscription's items must have the same billing interval: `interval` and "
            "`interval_count` of the prices differ.",
            param="items",
        )
    if any(item["price"]["currency"] != currency for item in items):
        raise InvalidRequest("The price's currency must match the currency of the subscription.", param="items")


def changed_items(world: World, sub: Obj, given: list[Params]) -> list[Obj]:
    """The items as they will be. Those with an id are changed, those without are added, ``deleted`` ones go."""
    items = [json.loads(json.dumps(item)) for item in subscription_shape.items(sub)]
    start, end = subscription_shape.period(sub)
    for index, entry in enumerate(given):
        where = f"items[{index}]"
        if not entry.get("id"):
            price = price_for(world, entry, where)
            item = subscription_shape.make_item(world, sub, price, entry.get("quantity"), entry.get("metadata"))
            item["current_period_start"], item["current_period_end"] = start, end
            items.append(item)
            continue
        found = next((item for item in items if item["id"] == entry["id"]), None)
        if found is None:
            raise InvalidRequest(
                f"No such subscription item: '{entry['id']}'", code="resource_missing", param=f"{where}[id]"
            )
        if entry.get("deleted"):
            items.remove(found)
            continue
        if entry.get("price") or entry.get("price_data") or entry.get("plan"):
            price = price_for(world, entry, where)
            subscription_shape.set_price(found, price, entry.get("quantity", found.get("quantity")))
        elif "quantity" in entry:
            if subscription_shape.metered(found):
                raise InvalidRequest("You cannot set the quantity of a metered item.", param=f"{where}[quantity]")
            found["quantity"] = entry["quantity"]
        if "metadata" in entry:
            found["metadata"] = merge_metadata(found["metadata"], entry["metadata"])
    check_items(items, sub["currency"])
    return items


def _same_terms(a: Obj, b: Obj) -> bool:
    return bool(a["price"]["id"] == b["price"]["id"] and a.get("quantity") == b.get("quantity"))


def _prorate(world: World, sub: Obj, item: Obj, moment: int, end: int, *, giving_back: bool) -> None:
    """One proration line, as an invoice item that waits."""
    if subscription_shape.metered(item):
        return
    start, period_end = item["current_period_start"], item["current_period_end"]
    share = unused(start, period_end, moment)
    whole = subscription_shape.period_cost(world, item)
    product = world.need("product", item["price"]["product"])
    what = "Unused time" if giving_back else "Remaining time"
    amount = credit(whole, share) if giving_back else charge(whole, share)
    quantity = item["quantity"]
    invoice_items.make(
        world,
        customer=sub["customer"],
        amount=amount,
        currency=sub["currency"],
        description=f"{what} on {quantity} × {product['name']} after {date_text(moment)}",
        start=moment,
        end=end,
        price=world.need("price", item["price"]["id"]),
        quantity=quantity,
        unit_amount=decimal_text(Decimal(amount) / quantity) if quantity and not amount % quantity else None,
        subscription=sub["id"],
        subscription_item=item["id"],
        proration=True,
    )


def change(world: World, sub: Obj, wanted: Change) -> Obj | None:
    """Change the subscription and return the invoice that has to be issued at once, as a draft, if there is one."""
    old = subscription_shape.items(sub)
    new = changed_items(world, sub, wanted.items) if wanted.items else old
    start, end = subscription_shape.period(sub)
    trialing = sub["status"] == "trialing"
    moment = wanted.proration_date if wanted.proration_date is not None else world.now
    if not start <= moment <= end:
        raise InvalidRequest("Invalid timestamp: must be within the current period.", param="proration_date")
    before, after = subscription_shape.interval(sub), _interval(new)
    trial_ends_now = trialing and (wanted.trial_end == "now" or (wanted.anchor_now and wanted.trial_end is None))
    new_trial = wanted.trial_end if isinstance(wanted.trial_end, int) else None
    resets = (before != after and not trialing) or wanted.anchor_now or trial_ends_now or new_trial is not None
    prorates = wanted.proration_behavior != "none" and not trialing
    share_end = end
    if prorates:
        for item in old:
            kept = next((other for other in new if other["id"] == item["id"]), None)
            if resets or kept is None or not _same_terms(item, kept):
                _prorate(world, sub, item, moment, share_end, giving_back=True)
    invoice = None
    if resets:
        invoice = subscription_invoices.draft_invoice(world, sub, "subscription_update", proration_date=moment)
        if not trialing:
            subscription_invoices.bill_usage(world, sub, invoice, start, world.now)
        _open_new_period(world, sub, new, new_trial, after)
        subscription_invoices.bill_ahead(
            world, sub, invoice, *subscription_shape.period(sub), trial=new_trial is not None
        )
    else:
        sub["items"]["data"] = new
        if prorates:
            for item in new:
                was = next((other for other in old if other["id"] == item["id"]), None)
                if was is None or not _same_terms(was, item):
                    _prorate(world, sub, item, moment, share_end, giving_back=False)
        if wanted.proration_behavior == "always_invoice" and not trialing:
            waiting = invoice_items.pending(world, sub["customer"], sub["id"])
            if any(item["_subscription"] == sub["id"] for item in waiting):
                invoice = subscription_invoices.draft_invoice(world, sub, "subscription_update", proration_date=moment)
    if invoice is not None:
        invoice_items.pull(world, invoice, invoice_items.pending(world, sub["customer"], sub["id"]))
        # Credits first, as Stripe lists them; new periods last.
        invoice["lines"]["data"].sort(key=lambda line: (line["amount"] >= 0, not _is_proration(line)))
    return invoice


def _is_proration(line: Obj) -> bool:
    return bool(((line["parent"] or {}).get("subscription_item_details") or {}).get("proration"))


def _interval(items: list[Obj]) -> tuple[str, int]:
    recurring = items[0]["price"]["recurring"]
    return recurring["interval"], recurring["interval_count"]


def _open_new_period(
    world: World, sub: Obj, items: list[Obj], trial_end: int | None, interval: tuple[str, int]
) -> None:
    sub["items"]["data"] = items
    world.unschedule(sub["id"], "subscription.trial_will_end")
    if trial_end is not None:
        if trial_end <= world.now:
            raise InvalidRequest("Invalid timestamp: must be in the future.", param="trial_end")
        sub["status"], sub["trial_end"] = "trialing", trial_end
        sub["trial_start"] = sub["trial_start"] or world.now
        sub["billing_cycle_anchor"] = trial_end
        world.schedule("subscription.trial_will_end", sub["id"], max(world.now, trial_end - 3 * 86400))
        subscription_shape.set_period(world, sub, world.now, trial_end)
        return
    if sub["status"] == "trialing":
        sub["status"], sub["trial_end"] = "active", world.now
    sub["billing_cycle_anchor"] = world.now
    subscription_shape.set_period(world, sub, world.now, nth(world.now, *interval, 1))


# Billing the change


def carry_out(world: World, sub: Obj, wanted: Change) -> Obj | None:
    """Change the subscription, issue and collect the invoice this calls for, and return that invoice.

    With ``pending_if_incomplete`` the change waits until its invoice is paid; with ``error_if_incomplete`` a payment
    that fails undoes everything. The caller announces the subscription's update.
    """
    before = {name: json.loads(json.dumps(sub[name])) for name in _TOUCHED}
    invoice = change(world, sub, wanted)
    if invoice is None:
        return None
    sub["latest_invoice"] = invoice["id"]
    invoices.announce(world, invoice)
    waits = wanted.payment_behavior == "pending_if_incomplete"
    if waits:
        after = {name: json.loads(json.dumps(sub[name])) for name in _TOUCHED}
        _hold_back(world, sub, invoice, before, after)
    status = _collect(world, sub, invoice, wanted)
    if status == "paid":
        return invoice
    if wanted.payment_behavior == "error_if_incomplete":
        raise payment_failed(world, invoice)
    if not waits and status in ("open", "requires_action") and sub["status"] == "active":
        sub["status"] = "past_due"
    return invoice


def _collect(world: World, sub: Obj, invoice: Obj, wanted: Change) -> str:
    if wanted.payment_behavior == "default_incomplete" and invoice["total"] > 0:
        invoices.finalize(world, invoice)
        if invoice["amount_due"]:
            return "open"
        invoices.settle(world, invoice)
        subscriptions.invoice_paid(world, invoice)
        return "paid"
    invoices.finalize(world, invoice)
    if not invoice["amount_due"]:
        invoices.settle(world, invoice)
        subscriptions.invoice_paid(world, invoice)
        return "paid"
    if invoice["collection_method"] == "send_invoice":
        return "paid"
    return collection.attempt(world, invoice, off_session=wanted.off_session)


def payment_failed(world: World, invoice: Obj) -> Exception:
    """The card error (or its lack) of an invoice that was not paid; nothing of the request is kept."""
    intent = world.need("payment_intent", invoice["_intent"])
    if intent["status"] == "requires_action":
        error: CardError = CardError(
            "The payment requires additional user action before it can be completed successfully.",
            code="subscription_payment_intent_requires_action",
        )
    elif intent["last_payment_error"] is None:
        return InvalidRequest(
            "This customer has no attached payment source or default payment method. Please consider adding a default "
            "payment method.",
            code="resource_missing",
        )
    else:
        error = payment_intents.declined(intent)
    error.keeps_changes = False
    return error


def _hold_back(world: World, sub: Obj, invoice: Obj, before: Obj, after: Obj) -> None:
    """Put the subscription back as it was, and remember what it becomes once the invoice is paid."""
    for name, value in before.items():
        sub[name] = value
    subscription_shape.set_period(world, sub, *subscription_shape.period(sub))
    expires = world.now + _PENDING_SECONDS
    sub["_pending"] = {"invoice": invoice["id"], "after": after}
    sub["pending_update"] = {
        "billing_cycle_anchor": after["billing_cycle_anchor"],
        "discounts": [],
        "expires_at": expires,
        "subscription_items": public(after["items"]["data"]),
        "trial_end": after["trial_end"],
        "trial_from_plan": False,
    }
    world.schedule("subscription.pending_update_expires", sub["id"], expires)


def apply_pending(world: World, sub: Obj) -> None:
    """The payment came: the update takes effect."""
    for name, value in sub["_pending"]["after"].items():
        sub[name] = value
    sub["_pending"] = sub["pending_update"] = None
    world.unschedule(sub["id"], "subscription.pending_update_expires")
    subscription_shape.set_period(world, sub, *subscription_shape.period(sub))
    world.emit("customer.subscription.pending_update_applied", sub)
    world.emit_update("customer.subscription.updated", sub)


def drop_pending(world: World, sub: Obj) -> None:
    """The payment did not come in time: the update is forgotten and its invoice taken back."""
    invoice = world.get(sub["_pending"]["invoice"])
    sub["_pending"] = sub["pending_update"] = None
    world.unschedule(sub["id"], "subscription.pending_update_expires")
    if invoice is not None and invoice["status"] == "open":
        collection.void(world, invoice)
    world.emit("customer.subscription.pending_update_expired", sub)


def give_back(world: World, sub: Obj) -> None:
    """Credit all unused time, when a subscription is cancelled with ``prorate``."""
    if sub["status"] == "trialing":
        return
    _, end = subscription_shape.period(sub)
    for item in subscription_shape.items(sub):
        _prorate(world, sub, item, world.now, end, giving_back=True)
