"""A recurring pack that is not paid: the customer is told, staff see it, and nothing else is touched."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization
from credits.models import LedgerEntry, PackSubscription, Wallet
from credits.services.purchases import start_pack_purchase
from notifications.emails.rendering import render_event_email
from notifications.models import Event
from payments.reconciliation import reconcile
from plans.models import DunningCase
from plans.services.dunning import run_dunning
from tests.credits.shop import make_pack

pytestmark = pytest.mark.django_db
FAILING, GOOD = "pm_card_chargeCustomerFail", "pm_card_visa"


@pytest.fixture
def with_pack(stage):
    """Acme on Pro, with 1,000 MAU credits a month for $40 beside it."""

    def make() -> None:
        pack = make_pack("mau-1000", unit="mau", credits="1000", price=4000, recurring="month")
        call_command("sync_catalog")
        stage.subscribe("pro", "year")
        purchase = start_pack_purchase(organization=stage.organization, pack=pack, now=stage.now)
        stage.sandbox.pay(purchase.checkout_session)
        stage.deliver()

    stage.begin_with("pro with a pack", make=make)
    assert available(stage) == 1000
    return stage


def available(stage) -> int:
    return int(Wallet.objects.state(organization=stage.organization, unit="mau", at=stage.now).available)


def use_card(stage, method: str) -> None:
    """For the pack alone: the plan is paid with its own."""
    stripe = stage.sandbox.client.v1
    attached = stripe.payment_methods.attach(method, {"customer": stage.customer})
    stripe.subscriptions.update(
        PackSubscription.objects.get().stripe_subscription, {"default_payment_method": attached.id}
    )


def fail_renewal(stage, *, attempts: int = 1) -> DunningCase:
    use_card(stage, FAILING)
    stage.travel(to=PackSubscription.objects.get().current_period_end + timedelta(hours=2))
    stage.deliver()
    for days in (3, 5, 7)[: attempts - 1]:
        stage.travel(days=days)
        stage.deliver()
    return DunningCase.objects.get()


def told(stage) -> list[str]:
    wanted = ("payment.", "plan.", "organization.", "purchase.failed")
    types = Event.objects.filter(organization=stage.organization).order_by("id").values_list("type", flat=True)
    return [type for type in types if type.startswith(wanted)]


def test_the_customer_is_told_and_can_pay_and_staff_see_the_case(with_pack, alice, stella, signed_in) -> None:
    case = fail_renewal(with_pack, attempts=2)
    assert (case.attempts, case.amount_due, case.subscription) == (2, 4000, None)
    assert [step.kind for step in case.steps.all()] == ["retry", "email"]
    assert sorted(told(with_pack)) == ["payment.failed", "payment.failed", "payment.reminder", "purchase.failed"]
    for type in ("payment.reminder", "purchase.failed"):
        words = render_event_email(Event.objects.get(type=type))
        assert case.hosted_invoice_url in words.text
        assert case.hosted_invoice_url in words.html
        assert "suspended" not in words.text
    for page in ("credits:overview", "plans:plan"):
        content = signed_in(alice).get(reverse(page, args=[with_pack.organization.public_id])).content.decode()
        assert "$40.00 for 1,000 MAU credits, every month could not be collected" in content
        assert case.hosted_invoice_url in content
    staff = signed_in(stella)
    for address in (
        reverse("admin:plans_dunningcase_changelist"),
        reverse("admin:plans_dunningcase_change", args=[case.pk]),
    ):
        content = staff.get(address).content.decode()
        assert "Acme" in content
        assert "No credits until it is paid." in content


def test_no_plan_is_set_back_and_nobody_is_suspended(with_pack) -> None:
    case = fail_renewal(with_pack, attempts=4)
    with_pack.travel(to=case.first_failed_at + timedelta(days=30))
    assert run_dunning(now=with_pack.now) == []
    assert "suspend" not in case.next_step.lower()
    assert {step.kind for step in case.steps.all()} == {"retry", "email"}
    organization = Organization.objects.get(pk=with_pack.organization.pk)
    assert organization.suspended_at is None
    assert (with_pack.terms.plan, with_pack.base.dunning_status) == ("pro", "good")
    assert available(with_pack) == 1000, "what was paid before stays"
    call_command("run_dunning", at=with_pack.now)


def test_paying_closes_the_case_and_grants_once(with_pack) -> None:
    case = fail_renewal(with_pack, attempts=2)
    use_card(with_pack, GOOD)
    with_pack.sandbox.client.v1.invoices.pay(case.stripe_invoice_id)
    with_pack.deliver()
    with_pack.sandbox.redeliver()
    with_pack.deliver()
    case.refresh_from_db()
    assert case.state == "paid"
    assert available(with_pack) == 2000
    assert LedgerEntry.objects.filter(kind="grant").count() == 2
    assert not {"plan.restored", "organization.restored"} & set(told(with_pack))


def test_a_late_payment_whose_events_were_lost_is_found_by_reconciliation(with_pack) -> None:
    """However long ago the invoice was made: its case is open, so it is asked for."""
    case = fail_renewal(with_pack, attempts=2)
    with_pack.sandbox.set_delivery(drop=True)
    use_card(with_pack, GOOD)
    with_pack.sandbox.client.v1.invoices.pay(case.stripe_invoice_id)
    reconcile(since=timezone.now() - timedelta(hours=72), now=timezone.now())
    case.refresh_from_db()
    assert (case.state, available(with_pack)) == ("paid", 2000)
