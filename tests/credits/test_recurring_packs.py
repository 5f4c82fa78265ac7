"""Recurring packs: credits per paid invoice, by whichever route is first; cancelled on the page."""

from dataclasses import replace

import pytest
from django.urls import reverse
from django.utils import timezone

from credits.models import CreditGrant, LedgerEntry, PackSubscription, Purchase, Wallet
from credits.services.audit import differences
from credits.services.purchases import refresh_from_checkout, start_pack_purchase
from credits.services.recurring_packs import grant_paid_lines
from credits.services.refund_quotes import quote_refund
from credits.services.refunds import refund_purchase
from notifications.models import Event
from payments import gateway
from payments.stripe_objects import StripeInvoice
from tests.credits.shop import bring_to_stripe, make_pack

pytestmark = pytest.mark.django_db


@pytest.fixture
def first(acme, sandbox):
    """A monthly pack of 1,000 for $40, on its checkout page."""
    pack = make_pack("mau-1000", unit="mau", credits="1000", price=4000, recurring="month")
    bring_to_stripe()
    return start_pack_purchase(organization=acme, pack=pack, now=timezone.now())


@pytest.fixture
def paid(first, sandbox):
    sandbox.pay(first.checkout_session)
    sandbox.deliver()
    first.refresh_from_db()
    return first


def available(organization):
    return Wallet.objects.state(organization=organization, unit="mau", at=timezone.now()).available


def test_the_first_invoice_grants_once(acme, paid, sandbox):
    sandbox.redeliver()
    sandbox.deliver()
    assert paid.status == Purchase.Status.PAID
    assert available(acme) == 1000
    assert LedgerEntry.objects.get().reference == f"invoice:{paid.invoice}:{paid.invoice_line}"
    assert PackSubscription.objects.get().organization == acme


def test_the_return_page_may_be_first(acme, first, sandbox):
    sandbox.pay(first.checkout_session)
    assert refresh_from_checkout(purchase=first, now=timezone.now()).status == Purchase.Status.PAID
    sandbox.deliver()
    assert available(acme) == 1000
    assert LedgerEntry.objects.count() == 1


def test_each_renewal_grants_once_and_can_be_refunded(acme, paid, stella, sandbox):
    sandbox.set_delivery(repeat=3, shuffle=True, seed=4)
    sandbox.advance(days=32)
    sandbox.deliver()
    assert CreditGrant.objects.count() == 2
    renewal = Purchase.objects.exclude(pk=paid.pk).get()
    assert (renewal.status, renewal.paid_amount) == (Purchase.Status.PAID, 4000)
    assert renewal.receipt_url
    assert quote_refund(purchase=renewal, now=timezone.now()).suggested.amount == 4000
    refund_purchase(purchase=renewal, amount=4000, reason="Not wanted", actor=stella, now=timezone.now())
    sandbox.deliver()
    assert available(acme) == 1000
    assert differences() == []


def test_a_line_that_costs_nothing_buys_nothing_and_leaves_the_payment_to_the_other(acme, first, sandbox):
    sandbox.pay(first.checkout_session)
    session = sandbox.client.v1.checkout.sessions.retrieve(first.checkout_session)
    invoice = StripeInvoice.of(gateway.invoices.retrieve(invoice=session.invoice))
    [line] = invoice.lines
    assert grant_paid_lines(invoice=replace(invoice, status="open"), now=timezone.now()) == []
    free = replace(line, id="il_free", amount=0)
    discounted = replace(invoice, lines=[free, line], amount_paid=2500)
    assert grant_paid_lines(invoice=discounted, now=timezone.now()) == [first]
    first.refresh_from_db()
    assert (available(acme), first.paid_amount) == (1000, 2500)


def test_a_renewal_that_is_not_paid_grants_nothing_and_is_told_once(acme, alice, paid, sandbox, signed_in):
    customer = sandbox.client.v1.customers.list().data[0].id
    method = sandbox.client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer})
    subscription = PackSubscription.objects.get()
    sandbox.client.v1.subscriptions.update(subscription.stripe_subscription, {"default_payment_method": method.id})
    sandbox.set_delivery(repeat=3, shuffle=True, seed=9)
    sandbox.advance(days=32)
    sandbox.deliver()
    assert available(acme) == 1000
    [event] = Event.objects.filter(type="purchase.failed")
    assert event.data["title"] == paid.title
    page = signed_in(alice).get(reverse("credits:overview", args=[acme.public_id]))
    assert "not paid" in page.content.decode()


def test_cancelled_on_the_page_it_renews_no_more(acme, alice, paid, sandbox, signed_in):
    subscription = PackSubscription.objects.get()
    url = reverse("credits:pack_renewal", args=[acme.public_id, subscription.pk])
    signed_in(alice).post(url, {"renews": "no"})
    subscription.refresh_from_db()
    assert subscription.cancel_at_period_end
    sandbox.advance(days=32)
    sandbox.deliver()
    assert available(acme) == 1000
    assert not PackSubscription.objects.live().exists()
    page = signed_in(alice).get(reverse("credits:overview", args=[acme.public_id]))
    assert "Recurring packs" not in page.content.decode()


def test_a_page_that_nobody_paid_on_is_cancelled(acme, first, sandbox):
    sandbox.expire(first.checkout_session)
    sandbox.deliver()
    first.refresh_from_db()
    assert first.status == Purchase.Status.CANCELLED
    assert not LedgerEntry.objects.exists()
