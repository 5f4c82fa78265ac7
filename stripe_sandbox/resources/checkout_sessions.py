"""Checkout sessions: their line items, their amounts, how they expire. ``flows/checkout.py`` has the payment."""

from __future__ import annotations

from decimal import Decimal

from ..clock import when
from ..errors import InvalidRequest, missing
from ..ids import new_id
from ..objects import Params, StripeObject
from ..parameters import refuse
from ..values import merge_metadata, nulls
from ..world import World, public
from . import discounts, payment_intents, prices, tax_rates

_DAY = 86400

_NOTED = (
    "payment_intent_data",
    "subscription_data",
    "setup_intent_data",
)


def _line_item(world: World, given: Params, index: int, mode: str) -> StripeObject:
    where = f"line_items[{index}]"
    if given.get("price"):
        price = world.need("price", given["price"], f"{where}[price]")
        if not price["active"]:
            raise InvalidRequest(
                "The price specified is inactive. This field only accepts active prices.", param=f"{where}[price]"
            )
    elif given.get("price_data"):
        price = prices.make(world, given["price_data"])
        price["active"] = False  # made inline: good for this session only
    else:
        raise missing(f"{where}[price]")
    if mode == "payment" and price["type"] == "recurring":
        raise InvalidRequest(
            "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use "
            "only one-time prices.",
            param="line_items",
        )
    metered = (price["recurring"] or {}).get("usage_type") == "metered"
    quantity = given.get("quantity")
    if metered and quantity is not None:
        raise InvalidRequest("You cannot specify a quantity for metered prices.", param=f"{where}[quantity]")
    if not metered and quantity is None:
        raise InvalidRequest("Quantity is required. Add `quantity` to the line item.", param=f"{where}[quantity]")
    if quantity is not None and quantity < 1:
        raise InvalidRequest("Invalid positive integer", code="parameter_invalid_integer", param=f"{where}[quantity]")
    adjustable = given.get("adjustable_quantity")
    custom = price["custom_unit_amount"]
    if custom and quantity != 1:
        raise InvalidRequest("A price with custom_unit_amount needs a quantity of 1.", param=f"{where}[quantity]")
    product = world.need("product", price["product"])
    return {
        "id": new_id("item"),
        "object": "item",
        "adjustable_quantity": None
        if not adjustable or not adjustable.get("enabled")
        else {"enabled": True, "maximum": adjustable.get("maximum", 99), "minimum": adjustable.get("minimum", 0)},
        "amount_discount": 0,
        "amount_subtotal": 0,
        "amount_tax": 0,
        "amount_total": 0,
        "currency": price["currency"],
        "description": product["name"],
        "discounts": [],
        "metadata": merge_metadata({}, given.get("metadata")),
        "price": price["id"],
        "quantity": quantity,
        "taxes": [],
        "_unit_amount": (custom["preset"] or custom["minimum"] or 0) if custom else None,
    }


def total_up(world: World, session: StripeObject) -> None:
    """Work out the amounts of every line and of the session."""
    lines = session["_items"]
    trial = session["mode"] == "subscription" and has_trial(session)
    due: list[int] = []
    for line in lines:
        price = world.need("price", line["price"])
        if price["recurring"] and (trial or price["recurring"]["usage_type"] == "metered"):
            due.append(0)
        elif line["_unit_amount"] is not None:
            due.append(line["_unit_amount"])
        else:
            due.append(prices.cost_of(price, line["quantity"]))
    off = [0] * len(lines)
    if session["_coupon"]:
        coupon = world.need("coupon", session["_coupon"])
        off = discounts.taken_off(coupon, due, [world.need("price", line["price"])["product"] for line in lines])
    percent = tax_rates.percent(world, enabled=session["automatic_tax"]["enabled"])
    for line, amount, taken in zip(lines, due, off, strict=True):
        line["amount_subtotal"], line["amount_discount"] = amount, taken
        line["amount_tax"] = tax_rates.tax_on(amount - taken, percent)
        line["amount_total"] = amount - taken + line["amount_tax"]
    session["amount_subtotal"] = sum(line["amount_subtotal"] for line in lines)
    session["amount_total"] = sum(line["amount_total"] for line in lines)
    session["total_details"] = {
        "amount_discount": sum(off),
        "amount_shipping": 0,
        "amount_tax": sum(line["amount_tax"] for line in lines),
    }
    if percent:
        session["automatic_tax"] |= {"status": "complete"}


def has_trial(session: StripeObject) -> bool:
    """Whether the subscription begins with a trial."""
    data = session["_subscription_data"]
    return bool(data.get("trial_period_days") or data.get("trial_end"))


def shown_items(world: World, session: StripeObject) -> list[StripeObject]:
    """The line items with their prices in full."""
    return [public(item) | {"price": public(world.get(item["price"]))} for item in session["_items"]]


def _check(params: Params, mode: str) -> None:
    if params.get("ui_mode", "hosted_page") in ("hosted", "hosted_page") and not params.get("success_url"):
        raise missing("success_url")
    if mode != "setup" and not params.get("line_items"):
        raise missing("line_items")
    if mode == "setup" and params.get("line_items"):
        raise InvalidRequest("You cannot pass line_items in setup mode.", param="line_items")
    if mode != "subscription" and params.get("subscription_data"):
        raise InvalidRequest("You can not pass `subscription_data` in this mode.", param="subscription_data")
    if mode != "payment":
        for name in ("payment_intent_data", "invoice_creation"):
            if params.get(name):
                raise InvalidRequest(f"You can not pass `{name}` in `{mode}` mode.", param=name)
    if params.get("customer") and params.get("customer_email"):
        raise InvalidRequest("You may only specify one of these parameters: customer, customer_email.")
    if params.get("discounts") and params.get("allow_promotion_codes"):
        raise InvalidRequest("You may only specify one of these parameters: allow_promotion_codes, discounts.")


def make(world: World, params: Params) -> StripeObject:
    """A new session with the address of its page. Raises ``InvalidRequest`` for what Checkout does not sell."""
    mode = params.get("mode") or "payment"
    refuse(params, "shipping_options", "optional_items", "custom_fields", "currency_conversion")
    _check(params, mode)
    customer = world.need("customer", params["customer"], "customer") if params.get("customer") else None
    expires_at = params.get("expires_at", world.now + _DAY)
    if not world.now + 30 * 60 - 5 <= expires_at <= world.now + _DAY + 5:
        raise InvalidRequest(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    items = [_line_item(world, given, index, mode) for index, given in enumerate(params.get("line_items") or [])]
    recurring = [p["recurring"] for item in items if (p := world.need("price", item["price"]))["recurring"]]
    if mode == "subscription" and not recurring:
        raise InvalidRequest(
            "You must provide at least one recurring price in `subscription` mode.", param="line_items"
        )
    if len({(r["interval"], r["interval_count"]) for r in recurring}) > 1:
        raise InvalidRequest("All recurring prices of a session must have the same interval.", param="line_items")
    currencies = {item["currency"] for item in items}
    if len(currencies) > 1:
        raise InvalidRequest("All line items must have the same currency.", param="line_items")
    coupon, code = discounts.coupon_of(world, params["discounts"][0]) if params.get("discounts") else (None, None)
    invoice = params.get("invoice_creation") or {}
    session = world.add(
        "checkout.session",
        **nulls(
            "adaptive_pricing after_expiration amount_subtotal amount_total client_secret collected_information "
            "consent consent_collection currency_conversion customer_account customer_details invoice origin_context "
            "payment_intent payment_link payment_method_configuration_details permissions recovered_from setup_intent "
            "shipping_address_collection shipping_cost subscription total_details wallet_options"
        )
        | {
            "allow_promotion_codes": params.get("allow_promotion_codes"),
            "automatic_tax": nulls("liability provider status")
            | {"enabled": (params.get("automatic_tax") or {}).get("enabled", False)},
            "billing_address_collection": params.get("billing_address_collection"),
            "cancel_url": params.get("cancel_url"),
            "client_reference_id": params.get("client_reference_id"),
            "currency": next(iter(currencies), params.get("currency")),
            "custom_fields": [],
            "custom_text": nulls("after_submit shipping_address submit terms_of_service_acceptance")
            | {k: v or None for k, v in (params.get("custom_text") or {}).items()},
            "customer": customer and customer["id"],
            "customer_creation": params.get("customer_creation")
            or ("if_required" if mode == "payment" and not customer else "always" if not customer else None),
            "customer_email": params.get("customer_email"),
            "discounts": [{"coupon": coupon["id"], "promotion_code": code and code["id"]}] if coupon else [],
            "expires_at": expires_at,
            "invoice_creation": _invoice_creation(invoice) if mode == "payment" else None,
            "locale": params.get("locale"),
            "metadata": merge_metadata({}, params.get("metadata")),
            "mode": mode,
            "payment_method_collection": params.get("payment_method_collection")
            or ("always" if mode == "subscription" else "if_required"),
            "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
            "payment_method_types": params.get("payment_method_types") or ["card", "us_bank_account"],
            "payment_status": "no_payment_required" if mode == "setup" else "unpaid",
            "phone_number_collection": {"enabled": False},
            "saved_payment_method_options": None,
            "shipping_options": [],
            "status": "open",
            "submit_type": params.get("submit_type"),
            "success_url": params.get("success_url"),
            "ui_mode": "hosted_page",
            "_coupon": coupon and coupon["id"],
            "_items": items,
            "_code": code and code["id"],
            "_intent": None,
            "_invoice_metadata": (invoice.get("invoice_data") or {}).get("metadata") or {},
        }
        | {f"_{name}": params.get(name) or {} for name in _NOTED},
    )
    if customer:
        session["customer_details"] = _details(customer)
    session["url"] = f"{world.public_url}/c/pay/{session['id']}"
    if items:
        total_up(world, session)
        custom = any(item["_unit_amount"] is not None for item in items)
        if mode == "payment" and session["amount_total"] and not custom:
            payment_intents.check_amount(session["amount_total"], session["currency"], "line_items")
    world.schedule("session.expire", session["id"], expires_at)
    return session


def _details(customer: StripeObject) -> StripeObject:
    return nulls("business_name individual_name") | {
        "address": customer["address"],
        "email": customer["email"],
        "name": customer["name"],
        "phone": customer["phone"],
        "tax_exempt": customer["tax_exempt"],
        "tax_ids": [],
    }


def _invoice_creation(given: Params) -> StripeObject:
    data = given.get("invoice_data") or {}
    return {
        "enabled": given.get("enabled", False),
        "invoice_data": nulls("account_tax_ids custom_fields footer issuer rendering_options")
        | {"description": data.get("description"), "metadata": data.get("metadata") or {}},
    }


def expire(world: World, session: StripeObject) -> StripeObject:
    """Close an open session without payment; an unfinished intent is cancelled."""
    world.unschedule(session["id"], "session.expire")
    session["status"], session["url"] = "expired", None
    intent = world.get(session["_intent"])
    if intent is not None and intent["object"] == "payment_intent" and intent["status"].startswith("requires_"):
        payment_intents.cancel(world, intent, "expired")
    world.emit("checkout.session.expired", session)
    return session


@when("session.expire")
def _session_falls_due(world: World, session_id: str) -> None:
    session = world.get(session_id)
    if session is not None and session["status"] == "open":
        expire(world, session)


def unit_amount(world: World, item: StripeObject) -> Decimal:
    """What one of an item costs, for showing on the page."""
    if item["_unit_amount"] is not None:
        return Decimal(item["_unit_amount"])
    price = world.need("price", item["price"])
    return Decimal(price["unit_amount_decimal"] or 0)
