"""From choosing to the plan in force: hosted checkout, webhook, return page, and everything twice."""

from datetime import timedelta

import pytest
from django.urls import reverse

from plans.errors import AlreadySubscribed, SelectionRefused, UnknownPlan
from plans.models import DunningCase, Plan, PlanCheckout, Subscription, TermsPeriod
from plans.services.checkout import complete_checkout, start_checkout
from plans.services.selections import choose
from tests.plans.stage import DECLINED_CARD

pytestmark = pytest.mark.django_db


def test_the_plan_is_in_force_with_the_webhook(stage) -> None:
    assert stage.terms.plan == "free"
    base = stage.subscribe("pro")
    assert (base.plan.code, base.interval, base.status, base.role) == ("pro", "month", "active", "base")
    assert (stage.terms.plan, stage.terms.meters["sessions"].included) == ("pro", 400)
    assert stage.terms.window.start == stage.now
    assert [item.component for item in base.items.all()] == ["base", "metered"]
    assert PlanCheckout.objects.get().status == "completed"


def test_the_return_page_activates_the_plan_when_the_webhook_is_late(stage, alice, signed_in) -> None:
    checkout = stage.check_out("pro")
    stage.sandbox.pay(checkout.stripe_session_id)
    page = signed_in(alice).get(reverse("plans:welcome", args=[stage.organization.public_id, checkout.public_id]))
    assert "<h1>You are on Pro</h1>" in page.content.decode()
    assert stage.terms.plan == "pro"
    stage.deliver()
    assert Subscription.objects.count() == TermsPeriod.objects.count() == 1


def test_the_return_page_of_another_organization_is_not_found(stage, globex, charlie, signed_in) -> None:
    checkout = stage.check_out("pro")
    stage.sandbox.pay(checkout.stripe_session_id)
    page = signed_in(charlie).get(reverse("plans:welcome", args=[globex.public_id, checkout.public_id]))
    assert page.status_code == 404
    assert not Subscription.objects.exists()


def test_a_declined_card_subscribes_to_nothing(stage) -> None:
    checkout = stage.check_out("pro")
    stage.sandbox.pay(checkout.stripe_session_id, card=DECLINED_CARD)
    stage.deliver()
    assert stage.terms.plan == "free"
    assert complete_checkout(checkout=checkout, now=stage.now).status == "open"


def test_a_first_payment_that_stays_incomplete_never_activates(stage) -> None:
    price = stage.sandbox.client.v1.prices.list({"lookup_keys": ["plan:pro:base:month"]}).data[0].id
    stage.sandbox.client.v1.subscriptions.create(
        {
            "customer": stage.customer,
            "items": [{"price": price}],
            "metadata": {"role": "base"},
            "payment_behavior": "default_incomplete",
        }
    )
    stage.deliver()
    assert Subscription.objects.get().status == "incomplete"
    assert stage.terms.plan == "free"
    stage.travel(days=2)
    stage.deliver()
    assert Subscription.objects.get().status == "incomplete_expired"
    assert stage.terms.plan == "free"
    assert not TermsPeriod.objects.exists()
    assert not DunningCase.objects.exists()


def test_a_bank_debit_that_fails_after_the_plan_began_is_an_overdue_invoice(stage) -> None:
    checkout = stage.check_out("pro")
    stage.sandbox.pay(checkout.stripe_session_id, card="bank_debit")
    stage.deliver()
    assert stage.terms.plan == "pro"
    stage.sandbox.fail_delayed(checkout.stripe_session_id)
    stage.deliver()
    assert DunningCase.objects.get().steps.count() >= 1


def test_two_tabs_with_the_same_choice_share_one_page(stage) -> None:
    first, second = stage.check_out("pro"), stage.check_out("pro")
    assert first.pk == second.pk
    assert first.url == second.url


def test_a_page_that_is_just_about_to_close_is_not_shown_again(stage) -> None:
    first = stage.check_out("pro")
    stage.travel(to=first.expires_at - timedelta(seconds=1))
    assert stage.check_out("pro") == first
    stage.travel(to=first.expires_at)
    second = stage.check_out("pro")
    assert second != first
    assert second.expires_at > stage.now


def test_who_comes_back_to_an_expired_page_is_told(stage) -> None:
    checkout = stage.check_out("pro")
    assert complete_checkout(checkout=checkout, now=stage.now).status == "open"
    stage.travel(to=checkout.expires_at + timedelta(seconds=1))
    assert complete_checkout(checkout=checkout, now=stage.now).status == "expired"


def test_of_two_tabs_with_different_choices_only_the_later_can_be_paid(stage) -> None:
    first, second = stage.check_out("pro"), stage.check_out("pro", "year")
    assert stage.sandbox.pay(first.stripe_session_id)["status"] == "expired"
    assert stage.sandbox.pay(second.stripe_session_id)["status"] == "complete"
    stage.deliver()
    assert (stage.base.interval, len(stage.live_at_stripe())) == ("year", 2)  # the annual one and its companion
    assert PlanCheckout.objects.filter(status="expired").count() == 1


def test_a_second_subscription_that_was_paid_all_the_same_is_given_back(stage) -> None:
    """Paid in two tabs at the same instant, before either could close the other."""
    first = stage.check_out("pro")
    PlanCheckout.objects.update(status="expired")
    second = stage.check_out("payg")
    for checkout in (first, second):
        stage.sandbox.pay(checkout.stripe_session_id)
    stage.deliver()
    assert len(stage.live_at_stripe()) == 1
    assert Subscription.objects.live().count() == 1
    assert TermsPeriod.objects.filter(ends_at=None).count() == 1
    surplus = Subscription.objects.get(role="surplus")
    paid = sum(invoice.amount_paid for invoice in stage.invoices() if invoice.subscription == surplus.stripe_id)
    refunded = sum(refund.amount for refund in stage.sandbox.client.v1.refunds.list().data)
    assert refunded == paid


def test_a_checkout_paid_while_another_is_opened_counts(stage) -> None:
    first = stage.check_out("pro")
    stage.sandbox.pay(first.stripe_session_id)
    with pytest.raises(AlreadySubscribed):
        stage.check_out("payg")
    assert stage.terms.plan == "pro"
    assert len(stage.live_at_stripe()) == 1


def test_an_organization_with_a_plan_cannot_buy_another(stage) -> None:
    stage.subscribe("pro")
    with pytest.raises(AlreadySubscribed, match="on Pro already"):
        stage.check_out("payg")
    assert PlanCheckout.objects.count() == 1


@pytest.mark.parametrize(
    ("choice", "error", "words"),
    [
        ({"plan": "gold"}, UnknownPlan, "no plan with the code 'gold'"),
        ({"plan": "free"}, SelectionRefused, "needs no subscription"),
        ({"plan": "old"}, SelectionRefused, "not sold any more"),
        ({"plan": "globex"}, UnknownPlan, "no plan with the code 'globex'"),
        ({"plan": "payg", "interval": "year"}, SelectionRefused, "choose month"),
        ({"plan": "pro", "quantity": 3}, SelectionRefused, "not sold by quantity"),
        ({"plan": "team", "quantity": 4}, SelectionRefused, "smallest quantity is 5"),
        ({"plan": "team", "quantity": 105}, SelectionRefused, "largest quantity is 100"),
        ({"plan": "team", "quantity": 7}, SelectionRefused, "choose 5 or 10"),
    ],
)
def test_what_is_not_sold_is_refused_by_name(catalogue, load_catalogue, acme, globex, choice, error, words) -> None:
    price = 'prices = [{ interval = "month", amount = 100, currency = "usd" }]\n'
    load_catalogue(f'[[plans]]\ncode = "old"\nname = "Old"\nretired = true\n{price}')
    load_catalogue(f'[[plans]]\ncode = "globex"\nname = "G"\nprivate_to = "{globex.public_id}"\n{price}')
    with pytest.raises(error, match=words):
        choose(organization=acme, **({"interval": "month"} | choice))
    assert choose(organization=globex, plan="globex", interval="month").plan.name == "G"


def test_a_retired_plan_keeps_its_subscribers(stage, load_catalogue) -> None:
    stage.subscribe("pro")
    load_catalogue('[[plans]]\ncode = "pro"\nretired = true\n', now=stage.now)
    stage.sync_catalogue()
    stage.travel(days=40)
    stage.deliver()
    assert stage.terms.plan == "pro"
    assert [invoice.total for invoice in stage.invoices()] == [2900, 2900]
    assert Plan.objects.offered_to(stage.organization).filter(code="pro").count() == 0


def test_a_new_price_is_for_new_subscribers_only(stage, load_catalogue) -> None:
    stage.subscribe("pro")
    load_catalogue(
        '[[plans]]\ncode = "pro"\nprices = [{ interval = "month", amount = 3900, currency = "usd" }]\n', now=stage.now
    )
    stage.sync_catalogue()
    stage.travel(days=31)
    stage.deliver()
    assert [invoice.total for invoice in stage.invoices()] == [2900, 2900]
    assert stage.base.plan.code == "pro"


def test_stripe_being_down_loses_no_checkout(stage) -> None:
    stage.sandbox.fault("lost", path="/v1/checkout/sessions")
    selection = stage.select("pro")
    with pytest.raises(Exception, match="not answering"):
        start_checkout(organization=stage.organization, selection=selection, now=stage.now)
    checkout = start_checkout(organization=stage.organization, selection=selection, now=stage.now)
    assert PlanCheckout.objects.get() == checkout
    assert len(stage.sandbox.client.v1.checkout.sessions.list().data) == 1
