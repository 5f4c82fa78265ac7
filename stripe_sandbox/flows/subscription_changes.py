"""Changing a running subscription: its items, its anchor, its trial; and prorating."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..errors import CardError, InvalidRequest
from ..objects import Params, StripeObject
from ..periods import nth
from ..proration import charge, credit, unused
from ..resources import invoice_items, invoices, payment_intents, pending_updates, subscription_items, subscriptions
from ..values import date_text, decimal_text, merge_metadata
from ..world import World
from . import collection, subscription_invoices, subscription_lifecycle

# What a change touches, and what is put back when it has to wait for its payment.
_TOUCHED = ("items", "billing_cycle_anchor", "trial_start", "trial_end", "status")


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


def changed_items(world: World, sub: StripeObject, given: list[Params]) -> list[StripeObject]:
    """The items as they will be. Those with an id are changed, those without are added, ``deleted`` ones go."""
    items = [json.loads(json.dumps(item)) for item in subscriptions.items(sub)]
    start, end = subscriptions.period(sub)
    for index, entry in enumerate(given):
        where = f"items[{index}]"
        if not entry.get("id"):
            price = subscription_items.price_for(world, entry, where)
            item = subscription_items.make(world, sub, price, entry.get("quantity"), entry.get("metadata"))
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
            price = subscription_items.price_for(world, entry, where)
            subscription_items.set_price(found, price, entry.get("quantity", found.get("quantity")))
        elif "quantity" in entry:
            if subscription_items.metered(found):
                raise InvalidRequest("You cannot set the quantity of a metered item.", param=f"{where}[quantity]")
            found["quantity"] = entry["quantity"]
        if "metadata" in entry:
            found["metadata"] = merge_metadata(found["metadata"], entry["metadata"])
    subscription_items.check(items, sub["currency"])
    return items


def _same_terms(a: StripeObject, b: StripeObject) -> bool:
    return bool(a["price"]["id"] == b["price"]["id"] and a.get("quantity") == b.get("quantity"))


def _prorate(world: World, sub: StripeObject, item: StripeObject, moment: int, end: int, *, giving_back: bool) -> None:
    """One proration line, as an invoice item that waits."""
    if subscription_items.metered(item):
        return
    start, period_end = item["current_period_start"], item["current_period_end"]
    share = unused(start, period_end, moment)
    whole = subscription_items.period_cost(world, item)
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


def change(world: World, sub: StripeObject, wanted: Change) -> StripeObject | None:
    """Change the subscription and return the invoice that has to be issued at once, as a draft, if there is one."""
    old = subscriptions.items(sub)
    new = changed_items(world, sub, wanted.items) if wanted.items else old
    start, end = subscriptions.period(sub)
    trialing = sub["status"] == "trialing"
    moment = wanted.proration_date if wanted.proration_date is not None else world.now
    if not start <= moment <= end:
        raise InvalidRequest("Invalid timestamp: must be within the current period.", param="proration_date")
    before, after = subscriptions.interval(sub), _interval(new)
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
        invoice = subscription_invoices.draft(world, sub, "subscription_update", proration_date=moment)
        if not trialing:
            subscription_invoices.bill_usage(world, sub, invoice, start, world.now)
        _open_new_period(world, sub, new, new_trial, after)
        subscription_invoices.bill_ahead(world, sub, invoice, *subscriptions.period(sub), trial=new_trial is not None)
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
                invoice = subscription_invoices.draft(world, sub, "subscription_update", proration_date=moment)
    if invoice is not None:
        invoice_items.pull(world, invoice, invoice_items.pending(world, sub["customer"], sub["id"]))
        # Credits first, as Stripe lists them; new periods last.
        invoice["lines"]["data"].sort(key=lambda line: (line["amount"] >= 0, not _is_proration(line)))
    return invoice


def _is_proration(line: StripeObject) -> bool:
    return bool(((line["parent"] or {}).get("subscription_item_details") or {}).get("proration"))


def _interval(items: list[StripeObject]) -> tuple[str, int]:
    recurring = items[0]["price"]["recurring"]
    return recurring["interval"], recurring["interval_count"]


def _open_new_period(
    world: World, sub: StripeObject, items: list[StripeObject], trial_end: int | None, interval: tuple[str, int]
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
        subscriptions.set_period(world, sub, world.now, trial_end)
        return
    if sub["status"] == "trialing":
        sub["status"], sub["trial_end"] = "active", world.now
    sub["billing_cycle_anchor"] = world.now
    subscriptions.set_period(world, sub, world.now, nth(world.now, *interval, 1))


def carry_out(world: World, sub: StripeObject, wanted: Change) -> StripeObject | None:
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
        pending_updates.hold_back(world, sub, invoice, before, after)
    status = _collect(world, sub, invoice, wanted)
    if status == "paid":
        return invoice
    if wanted.payment_behavior == "error_if_incomplete":
        raise payment_failed(world, invoice)
    if not waits and status in ("open", "requires_action") and sub["status"] == "active":
        sub["status"] = "past_due"
    return invoice


def _collect(world: World, sub: StripeObject, invoice: StripeObject, wanted: Change) -> str:
    if wanted.payment_behavior == "default_incomplete" and invoice["total"] > 0:
        invoices.finalize(world, invoice)
        if invoice["amount_due"]:
            return "open"
        invoices.settle(world, invoice)
        subscription_lifecycle.invoice_paid(world, invoice)
        return "paid"
    invoices.finalize(world, invoice)
    if not invoice["amount_due"]:
        invoices.settle(world, invoice)
        subscription_lifecycle.invoice_paid(world, invoice)
        return "paid"
    if invoice["collection_method"] == "send_invoice":
        return "paid"
    return collection.attempt(world, invoice, off_session=wanted.off_session)


def payment_failed(world: World, invoice: StripeObject) -> Exception:
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


def give_back(world: World, sub: StripeObject) -> None:
    """Credit all unused time, when a subscription is cancelled with ``prorate``."""
    if sub["status"] == "trialing":
        return
    _, end = subscriptions.period(sub)
    for item in subscriptions.items(sub):
        _prorate(world, sub, item, world.now, end, giving_back=True)
