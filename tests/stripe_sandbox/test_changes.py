"""Changing subscriptions: one proration formula, previews that hold, and what a failing payment does to a change."""

from typing import Any

import pytest
import stripe

from tests.stripe_sandbox.shop import Shop, iso


def half_way(shop: Shop, amount: int = 2800, quantity: int = 5, **customer: Any) -> tuple[Any, Any]:
    """A customer and a monthly subscription (28 days), with exactly half of its period left."""
    buyer = shop.customer("pm_card_visa", **customer)
    sub = shop.subscription(buyer, (shop.price(amount, interval="month", name="Seat"), quantity))
    shop.sandbox.advance(days=14)
    return buyer, sub


def lines(invoice: Any) -> list[tuple[int, bool]]:
    return [(line.amount, line.parent.subscription_item_details.proration) for line in invoice.lines.data]


def change_quantity(shop: Shop, sub: Any, quantity: int, **params: Any) -> Any:
    return shop.v1.subscriptions.update(
        sub.id, {"items": [{"id": sub["items"].data[0].id, "quantity": quantity}], **params}
    )


def test_more_seats_are_invoiced_at_once_for_the_time_left(dated_shop: Shop) -> None:
    _, sub = half_way(dated_shop)
    changed = change_quantity(dated_shop, sub, 10, proration_behavior="always_invoice")
    assert changed["items"].data[0].quantity == 10
    invoice = dated_shop.latest_invoice(changed)
    assert lines(invoice) == [(-7000, True), (14000, True)]
    assert (invoice.total, invoice.status, invoice.billing_reason) == (7000, "paid", "subscription_update")
    assert iso(changed["items"].data[0].current_period_end) == "2027-02-28"


def test_prorations_wait_for_the_renewal_unless_told_otherwise(dated_shop: Shop) -> None:
    _, sub = half_way(dated_shop)
    change_quantity(dated_shop, sub, 10)
    assert len(dated_shop.v1.invoices.list().data) == 1
    waiting = dated_shop.v1.invoice_items.list({"pending": True}).data
    assert sorted(item.amount for item in waiting) == [-7000, 14000]
    dated_shop.sandbox.advance(days=14)
    assert dated_shop.latest_invoice(sub).total == 28000 + 7000


def test_without_prorations_only_the_next_period_changes(dated_shop: Shop) -> None:
    _, sub = half_way(dated_shop)
    change_quantity(dated_shop, sub, 10, proration_behavior="none")
    assert dated_shop.v1.invoice_items.list().data == []
    dated_shop.sandbox.advance(days=14)
    assert dated_shop.latest_invoice(sub).total == 28000


def test_fewer_seats_leave_a_credit_on_the_customer(dated_shop: Shop) -> None:
    buyer, sub = half_way(dated_shop)
    change_quantity(dated_shop, sub, 1, proration_behavior="always_invoice")
    assert dated_shop.latest_invoice(sub).total == -5600
    assert dated_shop.reload(buyer).balance == -5600
    dated_shop.sandbox.advance(days=14)
    assert dated_shop.latest_invoice(sub).amount_due == 0
    assert dated_shop.reload(buyer).balance == -2800


def test_each_line_is_rounded_half_up_by_the_second(dated_shop: Shop) -> None:
    shop = dated_shop
    sub = shop.subscription(shop.customer("pm_card_visa"), (shop.price(999, interval="month"), 1))
    start, end = sub["items"].data[0].current_period_start, sub["items"].data[0].current_period_end
    shop.sandbox.advance(start + 1_000_000)
    changed = change_quantity(shop, sub, 2, proration_behavior="always_invoice")
    left = (end - start - 1_000_000) / (end - start)
    assert lines(shop.latest_invoice(changed)) == [(-round(999 * left), True), (round(1998 * left), True)]


def test_another_price_and_an_added_item_are_prorated_alike(dated_shop: Shop) -> None:
    shop = dated_shop
    _, sub = half_way(shop, amount=1400, quantity=1)
    better, extra = shop.price(2800, interval="month"), shop.price(700, interval="month")
    items = [{"id": sub["items"].data[0].id, "price": better.id}, {"price": extra.id, "quantity": 2}]
    changed = shop.v1.subscriptions.update(sub.id, {"items": items, "proration_behavior": "always_invoice"})
    assert lines(shop.latest_invoice(changed)) == [(-700, True), (1400, True), (700, True)]
    assert sorted(item.price.unit_amount for item in changed["items"].data) == [700, 2800]


def test_removing_an_item_credits_it_and_the_last_one_stays(dated_shop: Shop) -> None:
    shop = dated_shop
    customer = shop.customer("pm_card_visa")
    sub = shop.subscription(customer, shop.price(2800, interval="month"), shop.price(1400, interval="month"))
    shop.sandbox.advance(days=14)
    second = sub["items"].data[1]
    shop.v1.subscription_items.delete(second.id, {"proration_behavior": "always_invoice"})
    assert shop.latest_invoice(sub).total == -700
    with pytest.raises(stripe.InvalidRequestError, match="at least one"):
        shop.v1.subscription_items.delete(sub["items"].data[0].id)
    assert len(shop.reload(sub)["items"].data) == 1


def test_a_month_becomes_a_year_at_once_with_credit_for_what_is_left(dated_shop: Shop) -> None:
    shop = dated_shop
    _, sub = half_way(shop, quantity=1)
    year = shop.price(28000, interval="year")
    changed = shop.v1.subscriptions.update(sub.id, {"items": [{"id": sub["items"].data[0].id, "price": year.id}]})
    item = changed["items"].data[0]
    assert (iso(item.current_period_start), iso(item.current_period_end)) == ("2027-02-14", "2028-02-14")
    assert iso(changed.billing_cycle_anchor) == "2027-02-14"
    assert lines(shop.latest_invoice(sub)) == [(-1400, True), (28000, False)]


def test_the_anchor_can_be_moved_to_now(dated_shop: Shop) -> None:
    _, sub = half_way(dated_shop, quantity=1)
    changed = dated_shop.v1.subscriptions.update(sub.id, {"billing_cycle_anchor": "now"})
    assert iso(changed["items"].data[0].current_period_end) == "2027-03-14"
    assert lines(dated_shop.latest_invoice(sub)) == [(-1400, True), (2800, False)]


def test_a_later_anchor_makes_the_first_period_short(dated_shop: Shop) -> None:
    shop = dated_shop
    anchor = int(shop.sandbox.now()) + 14 * 86400
    sub = shop.subscription(
        shop.customer("pm_card_visa"), shop.price(3100, interval="month"), billing_cycle_anchor=anchor
    )
    assert iso(sub["items"].data[0].current_period_end) == "2027-02-14"
    assert shop.latest_invoice(sub).total == 1400  # 14 of the 31 days from 14 January
    shop.sandbox.advance(days=14)
    assert iso(shop.reload(sub)["items"].data[0].current_period_end) == "2027-03-14"
    assert shop.latest_invoice(sub).total == 3100


def test_changes_during_a_trial_cost_nothing(dated_shop: Shop) -> None:
    shop = dated_shop
    sub = shop.subscription(
        shop.customer("pm_card_visa"), (shop.price(2800, interval="month"), 1), trial_period_days=14
    )
    shop.sandbox.advance(days=3)
    change_quantity(shop, sub, 4, proration_behavior="always_invoice")
    assert [invoice.total for invoice in shop.v1.invoices.list().data] == [0]
    shop.sandbox.advance(days=11)
    assert shop.latest_invoice(sub).total == 11200


# Previews


@pytest.mark.parametrize("quantity", [1, 7, 10])
def test_a_preview_shows_to_the_cent_what_the_change_will_bill(dated_shop: Shop, quantity: int) -> None:
    shop = dated_shop
    shop.sandbox.settings(tax_percent="7.7")
    _, sub = half_way(shop, amount=1999)
    shop.v1.subscriptions.update(sub.id, {"automatic_tax": {"enabled": True}})
    shop.sandbox.advance(hours=5)
    moment = int(shop.sandbox.now())
    items = [{"id": sub["items"].data[0].id, "quantity": quantity}]
    events = len(shop.sandbox.events())
    preview = shop.v1.invoices.create_preview(
        {
            "customer": sub.customer,
            "subscription": sub.id,
            "subscription_details": {
                "items": items,
                "proration_behavior": "always_invoice",
                "proration_date": moment,
            },
        }
    )
    assert shop.reload(sub)["items"].data[0].quantity == 5
    assert len(shop.sandbox.events()) == events
    assert len(shop.v1.invoices.list().data) == 1
    shop.sandbox.advance(seconds=90)  # the customer reads, then confirms
    shop.v1.subscriptions.update(
        sub.id, {"items": items, "proration_behavior": "always_invoice", "proration_date": moment}
    )
    invoice = shop.latest_invoice(sub)
    assert [line.amount for line in preview.lines.data] == [line.amount for line in invoice.lines.data]
    assert (preview.total, preview.amount_due) == (invoice.total, invoice.amount_due)


def test_a_preview_without_a_change_is_the_next_renewal(dated_shop: Shop) -> None:
    shop = dated_shop
    buyer, sub = half_way(shop)
    shop.v1.invoice_items.create({"customer": buyer.id, "amount": 250, "currency": "usd"})
    preview = shop.v1.invoices.create_preview({"subscription": sub.id})
    assert (preview.total, preview.id.startswith("upcoming_in_"), preview.status) == (14250, True, "draft")
    shop.sandbox.advance(days=14)
    assert shop.latest_invoice(sub).total == 14250


def test_a_preview_of_a_new_subscription_needs_no_card(dated_shop: Shop) -> None:
    shop = dated_shop
    price = shop.price(2900, interval="month")
    preview = shop.v1.invoices.create_preview(
        {"customer": shop.customer().id, "subscription_details": {"items": [{"price": price.id, "quantity": 3}]}}
    )
    assert preview.amount_due == 8700
    assert shop.v1.subscriptions.list({"status": "all"}).data == []


def test_what_ends_has_no_next_invoice(dated_shop: Shop) -> None:
    _, sub = half_way(dated_shop)
    dated_shop.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        dated_shop.v1.invoices.create_preview({"subscription": sub.id})
    assert refusal.value.code == "invoice_upcoming_none"


# When the payment for a change fails


def with_a_failing_card(shop: Shop) -> tuple[Any, Any]:
    buyer, sub = half_way(shop)
    shop.save_card(buyer, "pm_card_chargeCustomerFail")
    return buyer, sub


def test_error_if_incomplete_changes_nothing(dated_shop: Shop) -> None:
    shop = dated_shop
    _, sub = with_a_failing_card(shop)
    events = len(shop.sandbox.events())
    with pytest.raises(stripe.CardError):
        change_quantity(shop, sub, 10, proration_behavior="always_invoice", payment_behavior="error_if_incomplete")
    now = shop.reload(sub)
    assert (now.status, now["items"].data[0].quantity, now.latest_invoice) == ("active", 5, sub.latest_invoice)
    assert shop.v1.invoice_items.list().data == []
    assert len(shop.sandbox.events()) == events


def test_allow_incomplete_changes_it_and_is_past_due(dated_shop: Shop) -> None:
    shop = dated_shop
    _, sub = with_a_failing_card(shop)
    changed = change_quantity(shop, sub, 10, proration_behavior="always_invoice")
    assert (changed.status, changed["items"].data[0].quantity) == ("past_due", 10)
    assert shop.latest_invoice(sub).status == "open"


def test_pending_if_incomplete_waits_for_the_payment(dated_shop: Shop) -> None:
    shop = dated_shop
    _, sub = with_a_failing_card(shop)
    waiting = change_quantity(
        shop, sub, 10, proration_behavior="always_invoice", payment_behavior="pending_if_incomplete"
    )
    assert (waiting.status, waiting["items"].data[0].quantity) == ("active", 5)
    assert waiting.pending_update.subscription_items[0].quantity == 10
    shop.v1.invoices.pay(waiting.latest_invoice, {"payment_method": "pm_card_visa"})
    now = shop.reload(sub)
    assert (now["items"].data[0].quantity, now.pending_update) == (10, None)
    assert "customer.subscription.pending_update_applied" in shop.sandbox.event_types()


def test_a_pending_update_expires_and_leaves_no_trace(dated_shop: Shop) -> None:
    shop = dated_shop
    _, sub = with_a_failing_card(shop)
    waiting = change_quantity(
        shop, sub, 10, proration_behavior="always_invoice", payment_behavior="pending_if_incomplete"
    )
    shop.sandbox.advance(hours=24)
    now = shop.reload(sub)
    assert (now["items"].data[0].quantity, now.pending_update, now.status) == (5, None, "active")
    assert shop.v1.invoices.retrieve(waiting.latest_invoice).status == "void"


def test_default_incomplete_leaves_the_payment_to_the_customer(dated_shop: Shop) -> None:
    shop = dated_shop
    _, sub = half_way(shop)
    changed = change_quantity(shop, sub, 10, proration_behavior="always_invoice", payment_behavior="default_incomplete")
    assert changed.status == "past_due"
    shop.v1.invoices.pay(changed.latest_invoice)
    assert shop.reload(sub).status == "active"


def test_a_proration_date_outside_the_period_is_refused(dated_shop: Shop) -> None:
    _, sub = half_way(dated_shop)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        change_quantity(dated_shop, sub, 10, proration_date=1)
    assert refusal.value.param == "proration_date"


# Invoices by hand


def test_a_manual_invoice_goes_from_draft_to_paid(shop: Shop) -> None:
    customer = shop.customer("pm_card_visa")
    invoice = shop.v1.invoices.create({"customer": customer.id, "description": "Consulting"})
    shop.v1.invoice_items.create(
        {"customer": customer.id, "invoice": invoice.id, "amount": 5000, "currency": "usd", "description": "A day"}
    )
    done = shop.v1.invoices.finalize_invoice(invoice.id)
    assert (done.status, done.total, done.number.endswith("-0001")) == ("open", 5000, True)
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.invoice_items.create({"customer": customer.id, "invoice": invoice.id, "amount": 1, "currency": "usd"})
    paid = shop.v1.invoices.pay(invoice.id)
    assert (paid.status, paid.amount_paid) == ("paid", 5000)
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        shop.v1.invoices.pay(invoice.id)


def test_items_wait_until_an_invoice_takes_them(shop: Shop) -> None:
    customer = shop.customer()
    shop.v1.invoice_items.create({"customer": customer.id, "pricing": {"price": shop.price(700).id}, "quantity": 2})
    empty = shop.v1.invoices.create({"customer": customer.id})
    assert empty.total == 0
    full = shop.v1.invoices.create({"customer": customer.id, "pending_invoice_items_behavior": "include"})
    assert full.total == 1400


def test_a_void_invoice_cannot_be_paid(shop: Shop) -> None:
    customer = shop.customer("pm_card_visa")
    shop.v1.invoice_items.create({"customer": customer.id, "amount": 5000, "currency": "usd"})
    invoice = shop.v1.invoices.create({"customer": customer.id, "pending_invoice_items_behavior": "include"})
    shop.v1.invoices.finalize_invoice(invoice.id)
    assert shop.v1.invoices.void_invoice(invoice.id).status == "void"
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.invoices.pay(invoice.id)
    assert shop.v1.payment_intents.list().data[0].status == "canceled"


def test_an_invoice_paid_elsewhere_takes_no_money(shop: Shop) -> None:
    customer = shop.customer()
    shop.v1.invoice_items.create({"customer": customer.id, "amount": 5000, "currency": "usd"})
    invoice = shop.v1.invoices.create({"customer": customer.id, "pending_invoice_items_behavior": "include"})
    shop.v1.invoices.finalize_invoice(invoice.id)
    assert shop.v1.invoices.pay(invoice.id, {"paid_out_of_band": True}).status == "paid"
    assert shop.v1.charges.list().data == []


def test_ten_lines_are_shown_and_the_rest_can_be_listed(shop: Shop) -> None:
    customer = shop.customer()
    for number in range(12):
        shop.v1.invoice_items.create({"customer": customer.id, "amount": number + 1, "currency": "usd"})
    invoice = shop.v1.invoices.create({"customer": customer.id, "pending_invoice_items_behavior": "include"})
    assert (len(invoice.lines.data), invoice.lines.has_more) == (10, True)
    assert len(list(shop.v1.invoices.line_items.list(invoice.id, {"limit": 5}).auto_paging_iter())) == 12


def test_payments_are_found_by_invoice_and_by_intent(shop: Shop) -> None:
    sub = shop.subscription(shop.customer("pm_card_visa"), shop.price(2900, interval="month"))
    payment = shop.v1.invoice_payments.list({"invoice": sub.latest_invoice}).data[0]
    assert (payment.status, payment.amount_paid, payment.is_default) == ("paid", 2900, True)
    found = shop.v1.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": payment.payment.payment_intent}}
    )
    assert [p.id for p in found.data] == [payment.id]
