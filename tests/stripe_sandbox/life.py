"""One long story that leaves an object of every type behind."""

from datetime import UTC, datetime
from typing import Any

from stripe_sandbox.testing import LocalSandbox
from tests.stripe_sandbox.shop import Shop

# Everything the API lists, and what to expand there.
LISTS = {
    "/v1/balance_transactions": ["data.source"],
    "/v1/billing/meters": [],
    "/v1/billing_portal/configurations": [],
    "/v1/charges": ["data.refunds", "data.balance_transaction", "data.payment_intent"],
    "/v1/checkout/sessions": [
        "data.total_details.breakdown",
        "data.line_items",
        "data.payment_intent",
        "data.subscription",
        "data.invoice",
    ],
    "/v1/coupons": [],
    "/v1/customers": ["data.subscriptions", "data.tax", "data.invoice_settings.default_payment_method"],
    "/v1/disputes": ["data.charge"],
    "/v1/entitlements/features": [],
    "/v1/events": [],
    "/v1/invoice_payments": ["data.invoice"],
    "/v1/invoiceitems": [],
    "/v1/invoices": ["data.payments", "data.confirmation_secret", "data.default_payment_method"],
    "/v1/payment_intents": ["data.latest_charge", "data.customer", "data.payment_method"],
    "/v1/prices": ["data.tiers", "data.product", "data.currency_options"],
    "/v1/products": ["data.default_price"],
    "/v1/promotion_codes": ["data.promotion.coupon"],
    "/v1/refunds": ["data.charge", "data.balance_transaction", "data.failure_balance_transaction"],
    "/v1/setup_intents": ["data.payment_method"],
    "/v1/subscription_schedules": ["data.subscription"],
    "/v1/subscriptions?status=all": ["data.latest_invoice", "data.discounts", "data.default_payment_method"],
    "/v1/tax_rates": [],
    "/v1/webhook_endpoints": [],
}


def live(sandbox: LocalSandbox) -> None:
    """Sell, refund, dispute, subscribe, renew, fail, change, end."""
    sandbox.advance(datetime(2027, 1, 31, 12, tzinfo=UTC))
    sandbox.settings(tax_percent="19")
    shop = Shop(sandbox)
    v1 = shop.v1
    sandbox.register_endpoint("http://127.0.0.1:9/never")
    sandbox.set_delivery(paused=True)
    customer = shop.customer("pm_card_visa", address={"country": "US", "line1": "1 Main St"})
    _one_off(sandbox, shop, customer)
    product = v1.products.create({"name": "Pro", "default_price_data": {"currency": "usd", "unit_amount": 100}})
    feature = v1.entitlements.features.create({"lookup_key": "sso", "name": "Single sign-on"})
    v1.products.features.create(product.id, {"entitlement_feature": feature.id})
    meter = v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    )
    base = shop.price(2900, interval="month", name="Pro")
    seat = shop.price(1000, interval="month", name="Seat")
    use = shop.price(
        None,
        interval="month",
        name="Calls",
        recurring={"usage_type": "metered", "meter": meter.id},
        billing_scheme="tiered",
        tiers_mode="graduated",
        tiers=[{"up_to": 10, "unit_amount": 0}, {"up_to": "inf", "unit_amount_decimal": "0.3"}],
    )
    coupon = v1.coupons.create({"percent_off": 10, "duration": "repeating", "duration_in_months": 2, "name": "Ten"})
    v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "TEN"})
    session = shop.session(
        mode="subscription",
        customer=customer.id,
        allow_promotion_codes=True,
        automatic_tax={"enabled": True},
        line_items=[{"price": base.id, "quantity": 1}, {"price": seat.id, "quantity": 3}, {"price": use.id}],
    )
    sandbox.pay(session, promotion_code="ten")
    sub = v1.subscriptions.retrieve(v1.checkout.sessions.retrieve(session.id).subscription)
    v1.billing.meter_events.create(
        {"event_name": "calls", "payload": {"stripe_customer_id": customer.id, "value": "1010.5"}}
    )
    v1.invoice_items.create({"customer": customer.id, "amount": 500, "currency": "usd", "description": "Setup"})
    sandbox.advance(days=31)
    seats = next(i for i in v1.subscriptions.retrieve(sub.id)["items"].data if i.price.id == seat.id)
    v1.subscription_items.update(seats.id, {"quantity": 8})
    schedule = v1.subscription_schedules.create({"from_subscription": sub.id})
    now = schedule.phases[0]
    items = [{"price": i.price} | ({"quantity": i.quantity} if "quantity" in i else {}) for i in now["items"]]
    later = {"items": [{"price": base.id, "quantity": 1}]}
    first = {"items": items, "start_date": now.start_date, "end_date": now.end_date}
    v1.subscription_schedules.update(schedule.id, {"phases": [first, later]})
    sandbox.advance(days=31)
    trial = shop.subscription(customer, seat, trial_period_days=10, description="With a trial")
    failing = shop.customer("pm_card_chargeCustomerFail")
    shop.subscription(failing, base)
    shop.subscription(shop.customer(), base, payment_behavior="default_incomplete")
    shop.save_card(customer, "pm_card_chargeCustomerFail")
    sandbox.advance(days=40)
    v1.subscriptions.cancel(trial.id)
    v1.billing_portal.sessions.create({"customer": customer.id, "return_url": "https://shop.example/"})
    manual = v1.invoices.create({"customer": customer.id})
    v1.invoice_items.create({"customer": customer.id, "invoice": manual.id, "amount": 900, "currency": "usd"})
    v1.invoices.finalize_invoice(manual.id)
    v1.invoices.void_invoice(manual.id)


def _one_off(sandbox: LocalSandbox, shop: Shop, customer: Any) -> None:
    v1 = shop.v1
    bought = shop.paid_session(
        customer=customer.id,
        invoice_creation={"enabled": True},
        payment_intent_data={"setup_future_usage": "off_session", "metadata": {"purchase": "1"}},
    )
    v1.refunds.create({"payment_intent": bought.payment_intent, "amount": 500, "reason": "requested_by_customer"})
    custom = shop.price(None, custom_unit_amount={"enabled": True, "minimum": 500, "maximum": 50000})
    sandbox.pay(shop.session(custom), amount=1234)
    sandbox.decline(shop.session())
    sandbox.pay(shop.session(), card="4000000000003220")
    slow = shop.session()
    sandbox.pay(slow, card="bank_debit")
    sandbox.complete_delayed(slow)
    lost = shop.session()
    sandbox.pay(lost, card="bank_debit")
    sandbox.fail_delayed(lost)
    failing = shop.session()
    sandbox.pay(failing, card="4000000000005126")
    sandbox.fail_refund(sandbox.refund(failing))
    disputed = shop.session()
    sandbox.pay(disputed, card="4000000000000259")
    sandbox.win_dispute(v1.disputes.list().data[0])
    sandbox.pay(shop.session(mode="setup", customer=customer.id, currency="usd"))
    sandbox.expire(shop.session())
    method = v1.payment_methods.attach("pm_card_mastercard", {"customer": customer.id})
    v1.payment_intents.create(
        {
            "amount": 700,
            "currency": "usd",
            "customer": customer.id,
            "payment_method": method.id,
            "confirm": True,
            "off_session": True,
            "capture_method": "manual",
        }
    )
    v1.payment_methods.detach(method.id)
    v1.customers.balance_transactions.create(customer.id, {"amount": -100, "currency": "usd"})
