"""What a checkout session becomes when it is paid: a paid invoice, a subscription, a saved card."""

from __future__ import annotations

from ..objects import StripeObject
from ..periods import nth
from ..resources import discounts, invoice_lines, invoices, subscription_items, subscriptions
from ..values import merge_metadata
from ..world import World
from . import subscription_invoices, subscription_lifecycle


def complete(world: World, session: StripeObject, intent: StripeObject | None, *, paid: bool) -> None:
    """The session is done; the money has come (``paid``), or is on its way."""
    world.unschedule(session["id"], "session.expire")
    session["status"], session["url"] = "complete", None
    if session["mode"] == "setup":
        session["setup_intent"] = intent and intent["id"]
    elif intent is None or intent["object"] == "setup_intent":
        session["payment_status"] = "no_payment_required"
    else:
        session["payment_status"] = "paid" if paid else "unpaid"
    if session["mode"] == "payment" and intent is not None:
        session["payment_intent"] = intent["id"]
    if session["_coupon"]:
        _redeem(world, session)
    if session["mode"] == "subscription":
        _subscribe(world, session, intent, paid=paid)
    elif paid:
        _invoice(world, session, intent)
    world.emit("checkout.session.completed", session)


def _redeem(world: World, session: StripeObject) -> None:
    coupon, code = world.need("coupon", session["_coupon"]), world.get(session["_code"])
    discount = discounts.redeem(
        world, coupon, code, start=world.now, checkout_session=session["id"], customer=session["customer"]
    )
    session["_discount"] = discount["id"]


def _invoice(world: World, session: StripeObject, intent: StripeObject | None) -> None:
    """The paid invoice of a one-off payment, where the session asked for one."""
    creation = session["invoice_creation"] or {}
    if not creation.get("enabled") or not session["customer"]:
        return
    invoice = invoices.draft(
        world,
        world.need("customer", session["customer"]),
        currency=session["currency"],
        billing_reason="manual",
        auto_advance=False,
        description=creation["invoice_data"]["description"],
        metadata=merge_metadata({}, session["_invoice_metadata"]),
        _automatic_tax=session["automatic_tax"]["enabled"],
        _coupons=[[session["_discount"], session["_coupon"]]] if session["_coupon"] else [],
    )
    for item in session["_items"]:
        invoice_lines.add(
            world,
            invoice,
            amount=item["amount_subtotal"],
            description=item["description"],
            start=world.now,
            end=world.now,
            parent=None,
            price=world.need("price", item["price"]),
            quantity=item["quantity"],
            unit_amount=None if item["_unit_amount"] is None else str(item["_unit_amount"]),
            metadata=item["metadata"],
        )
    invoices.announce(world, invoice)
    invoices.finalize(world, invoice, intent=intent, uses_balance=False)  # the money is here already
    invoices.settle(world, invoice)
    session["invoice"] = invoice["id"]


def _subscribe(world: World, session: StripeObject, intent: StripeObject | None, *, paid: bool) -> None:
    """A session in subscription mode is complete: make the subscription it asked for and its first invoice."""
    data = session["_subscription_data"]
    customer = world.need("customer", session["customer"])
    sub = subscriptions.blank(
        world,
        customer,
        currency=session["currency"],
        automatic_tax={"disabled_reason": None, "enabled": session["automatic_tax"]["enabled"], "liability": None},
        default_payment_method=intent and intent["payment_method"],
        description=data.get("description"),
        metadata=merge_metadata({}, data.get("metadata")),
        trial_settings=data.get("trial_settings") or {"end_behavior": {"missing_payment_method": "create_invoice"}},
        status="active" if not session["amount_total"] else "incomplete",
    )
    prices = [(item, world.need("price", item["price"])) for item in session["_items"]]
    sub["items"]["data"] = [
        subscription_items.make(world, sub, price, item["quantity"], item["metadata"])
        for item, price in prices
        if price["recurring"]
    ]
    if session["_coupon"]:
        discount = world.need("discount", session["_discount"])
        discount["subscription"] = sub["id"]
        sub["_coupons"], sub["discounts"] = [[discount["id"], session["_coupon"]]], [discount["id"]]
    trial_end = data.get("trial_end") or (
        world.now + data["trial_period_days"] * 86400 if data.get("trial_period_days") else None
    )
    invoice = subscription_lifecycle.begin(
        world, sub, trial_end=trial_end, first_period_end=nth(world.now, *subscriptions.interval(sub), 1)
    )
    start, end = subscriptions.period(sub)
    subscription_invoices.bill_ahead(world, sub, invoice, start, end, trial=bool(trial_end))
    for item, price in prices:
        if not price["recurring"]:
            invoice_lines.add(
                world,
                invoice,
                amount=item["amount_subtotal"],
                description=item["description"],
                start=world.now,
                end=world.now,
                parent=None,
                price=price,
                quantity=item["quantity"],
            )
    invoices.announce(world, invoice)
    session["subscription"], session["invoice"] = sub["id"], invoice["id"]
    charged = intent if intent is not None and intent["object"] == "payment_intent" else None
    invoices.finalize(world, invoice, intent=charged, uses_balance=False)
    if paid:
        invoices.settle(world, invoice)
    if sub["status"] == "incomplete":
        sub["status"] = "active"
    world.emit_update("customer.subscription.updated", sub)


def intent_succeeded(world: World, intent: StripeObject) -> None:
    """The intent of a session has succeeded: at once, after authentication, or days later."""
    session = world.get(intent.get("_session"))
    if session is None:
        return
    if session["status"] == "open":
        complete(world, session, intent, paid=True)
    elif session["status"] == "complete" and session["payment_status"] == "unpaid":
        session["payment_status"] = "paid"
        if session["mode"] == "payment":
            _invoice(world, session, intent)
        world.emit("checkout.session.async_payment_succeeded", session)


def intent_failed(world: World, intent: StripeObject) -> None:
    """A delayed payment of a completed session has failed."""
    session = world.get(intent.get("_session"))
    if session is not None and session["status"] == "complete" and session["payment_status"] == "unpaid":
        world.emit("checkout.session.async_payment_failed", session)


def setup_succeeded(world: World, intent: StripeObject) -> None:
    """The card of a session has been saved."""
    session = world.get(intent.get("_session"))
    if session is not None and session["status"] == "open":
        complete(world, session, intent, paid=True)
