"""Payment intents by API, refunds, disputes, and the balance they move."""

import pytest
import stripe

from stripe_sandbox.testing import SandboxRefused
from tests.stripe_sandbox.shop import Shop


def charge_off_session(shop: Shop, card: str, **params: object) -> stripe.PaymentIntent:
    customer = shop.customer()
    method = shop.v1.payment_methods.attach(card, {"customer": customer.id})
    return shop.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "customer": customer.id,
            "payment_method": method.id,
            "off_session": True,
            "confirm": True,
            **params,
        }
    )


def test_a_saved_card_that_fails_later_is_a_card_error_with_its_intent(shop: Shop) -> None:
    with pytest.raises(stripe.CardError) as refusal:
        charge_off_session(shop, "pm_card_chargeCustomerFail")
    error = refusal.value.error
    assert (refusal.value.http_status, error.code, error.decline_code) == (402, "card_declined", "generic_decline")
    assert error.payment_intent.status == "requires_payment_method"
    assert error.payment_intent.last_payment_error.code == "card_declined"
    assert shop.v1.charges.list().data[0].status == "failed"
    assert shop.sandbox.event_types()[-2:] == ["charge.failed", "payment_intent.payment_failed"]


def test_authentication_cannot_be_asked_off_session(shop: Shop) -> None:
    with pytest.raises(stripe.CardError) as refusal:
        charge_off_session(shop, "pm_card_authenticationRequired")
    assert refusal.value.code == "authentication_required"
    assert refusal.value.error.payment_intent.status == "requires_payment_method"


def test_a_card_set_up_once_is_not_asked_again(shop: Shop) -> None:
    customer = shop.customer()
    session = shop.session(customer=customer.id, payment_intent_data={"setup_future_usage": "off_session"})
    shop.sandbox.pay(session, card="4000002500003155", authenticate=True)
    method = shop.v1.customers.payment_methods.list(customer.id).data[0]
    intent = shop.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "customer": customer.id,
            "payment_method": method.id,
            "off_session": True,
            "confirm": True,
        }
    )
    assert intent.status == "succeeded"


def test_a_declined_card_cannot_be_saved(shop: Shop) -> None:
    with pytest.raises(stripe.CardError):
        shop.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": shop.customer().id})


def test_anothers_card_cannot_be_charged(shop: Shop) -> None:
    method = shop.v1.payment_methods.attach("pm_card_visa", {"customer": shop.customer().id})
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.payment_intents.create(
            {
                "amount": 500,
                "currency": "usd",
                "customer": shop.customer().id,
                "payment_method": method.id,
                "confirm": True,
            }
        )
    assert shop.v1.charges.list().data == []


def test_an_intent_asks_for_authentication_on_session(shop: Shop) -> None:
    intent = shop.v1.payment_intents.create(
        {"amount": 500, "currency": "usd", "payment_method": "pm_card_threeDSecure2Required", "confirm": True}
    )
    assert (intent.status, intent.next_action.type) == ("requires_action", "redirect_to_url")
    shop.sandbox.authenticate(intent)
    assert shop.reload(intent).status == "succeeded"


def test_capture_takes_less_than_was_authorised(shop: Shop) -> None:
    intent = charge_off_session(shop, "pm_card_visa", capture_method="manual")
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 2000)
    captured = shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1500})
    assert (captured.status, captured.amount_received) == ("succeeded", 1500)


def test_a_finished_intent_cannot_be_cancelled(shop: Shop) -> None:
    intent = charge_off_session(shop, "pm_card_visa")
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.v1.payment_intents.cancel(intent.id)
    assert refusal.value.code == "payment_intent_unexpected_state"


def test_an_amount_under_the_minimum_is_refused(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.v1.payment_intents.create({"amount": 10, "currency": "usd"})
    assert refusal.value.code == "amount_too_small"


# Refunds


def test_refunds_add_up_to_the_charge_and_never_beyond(shop: Shop) -> None:
    intent = charge_off_session(shop, "pm_card_visa")
    shop.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        shop.v1.refunds.create({"payment_intent": intent.id, "amount": 1501})
    shop.v1.refunds.create({"charge": intent.latest_charge})
    charge = shop.v1.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded, len(charge.refunds.data)) == (2000, True, 2)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.v1.refunds.create({"payment_intent": intent.id, "amount": 1})
    assert refusal.value.code == "charge_already_refunded"


def test_a_refund_tells_the_charge(shop: Shop) -> None:
    intent = charge_off_session(shop, "pm_card_visa")
    before = len(shop.sandbox.events())
    shop.v1.refunds.create({"payment_intent": intent.id, "amount": 500, "metadata": {"why": "bug"}})
    assert shop.sandbox.event_types()[before:] == ["refund.created", "charge.refunded"]
    event = shop.sandbox.events("charge.refunded")[0]
    assert event["data"]["object"]["amount_refunded"] == 500
    assert event["data"]["previous_attributes"] == {"amount_refunded": 0}


def test_a_refund_fails_later_and_its_amount_counts_again(shop: Shop) -> None:
    intent = charge_off_session(shop, "pm_card_refundFail")
    refund = shop.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "succeeded"
    shop.sandbox.advance(days=4)
    failed = shop.reload(refund)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    charge = shop.v1.charges.retrieve(intent.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert shop.sandbox.event_types()[-3:] == ["refund.updated", "refund.failed", "charge.refund.updated"]


def test_any_refund_can_be_made_to_fail_once(shop: Shop) -> None:
    session = shop.paid_session()
    refund = shop.sandbox.refund(session, 700)
    shop.sandbox.fail_refund(refund)
    with pytest.raises(SandboxRefused):
        shop.sandbox.fail_refund(refund)


def test_a_pending_refund_settles_by_hand(shop: Shop) -> None:
    intent = charge_off_session(shop, "pm_card_pendingRefund")
    refund = shop.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "pending"
    shop.sandbox.post("refunds/succeed", id=refund.id)
    assert shop.reload(refund).status == "succeeded"


# Disputes


def test_a_disputed_card_withdraws_the_money_at_once(shop: Shop) -> None:
    intent = charge_off_session(shop, "pm_card_createDispute")
    dispute = shop.v1.disputes.list({"payment_intent": intent.id}).data[0]
    assert (dispute.status, dispute.amount, dispute.reason) == ("needs_response", 2000, "fraudulent")
    assert dispute.balance_transactions[0].net == -3500
    assert shop.v1.charges.retrieve(intent.latest_charge).disputed
    assert shop.sandbox.event_types()[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.refunds.create({"payment_intent": intent.id})


def test_a_dispute_won_brings_the_money_back(shop: Shop) -> None:
    dispute = shop.sandbox.open_dispute(shop.paid_session())
    shop.sandbox.win_dispute(dispute)
    closed = shop.v1.disputes.retrieve(dispute["id"])
    assert (closed.status, [t.amount for t in closed.balance_transactions]) == ("won", [-2000, 2000])
    assert shop.sandbox.event_types()[-2:] == ["charge.dispute.closed", "charge.dispute.funds_reinstated"]


def test_a_dispute_lost_stays_lost(shop: Shop) -> None:
    dispute = shop.sandbox.open_dispute(shop.paid_session())
    shop.sandbox.lose_dispute(dispute)
    assert shop.v1.disputes.retrieve(dispute["id"]).status == "lost"
    assert shop.sandbox.event_types()[-1] == "charge.dispute.closed"
    with pytest.raises(SandboxRefused):
        shop.sandbox.win_dispute(dispute)


def test_an_inquiry_moves_no_money(shop: Shop) -> None:
    intent = charge_off_session(shop, "pm_card_createDisputeInquiry")
    dispute = shop.v1.disputes.list({"payment_intent": intent.id}).data[0]
    assert (dispute.status, dispute.balance_transactions) == ("warning_needs_response", [])
    shop.sandbox.win_dispute(dispute)
    assert shop.reload(dispute).status == "warning_closed"


def test_evidence_decides_a_dispute(shop: Shop) -> None:
    dispute = shop.sandbox.open_dispute(shop.paid_session())
    shop.v1.disputes.update(dispute["id"], {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert shop.v1.disputes.retrieve(dispute["id"]).status == "won"


def test_the_balance_is_the_sum_of_its_transactions(shop: Shop) -> None:
    session = shop.paid_session()
    shop.sandbox.refund(session, 500)
    transactions = shop.v1.balance_transactions.list().data
    assert sorted(t.amount for t in transactions) == [-500, 2000]
    assert shop.v1.balance.retrieve().available[0].amount == sum(t.net for t in transactions)
