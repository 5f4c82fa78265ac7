"""The figures at the top of the back office: exact, only for who may see them, each leading to the rows it counts."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.urls import reverse

from credits.models import AuditRun, CreditGrant, Dispute, GiftCard, Purchase, Refund
from credits.services.gift_cards import issue_gift_cards
from credits.services.grants import grant_credits
from credits.services.spending import spend
from notifications.models import Event, WebhookDelivery, WebhookEndpoint
from payments.models import StripeEvent
from plans.models import DunningCase, Plan, Subscription
from tests.credits.shop import make_unit
from usage.models import TallyRun

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
NIGHT = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=45)
INDEX = reverse("admin:index")


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


def shown(client) -> dict[str, list[tuple[str, str, str]]]:
    """Panel → (value, label, note) of each figure."""
    panels = client.get(INDEX).context["panels"]
    return {
        str(panel): [(each.figure.value, each.figure.label, each.figure.note) for each in figures]
        for panel, figures in panels.items()
    }


def listed(client, label: str) -> list[list]:
    """The rows behind each figure of that label."""
    figures = [each for panel in client.get(INDEX).context["panels"].values() for each in panel]
    answers = [client.get(each.url) for each in figures if each.figure.label == label]
    assert all(answer.status_code == 200 for answer in answers), "a filter was refused"
    return [list(answer.context["cl"].result_list) for answer in answers]


def bought(organization, *, amount: int, paid_at: datetime, currency: str = "usd") -> Purchase:
    return Purchase.objects.create(
        organization=organization, kind="pack", status="paid", unit=make_unit("usd"), credits="10", valid_days=365,
        amount=amount, paid_amount=amount, currency=currency, created_at=paid_at, paid_at=paid_at,
    )  # fmt: skip


def give(organization, unit: str, amount: str, *, reference: str, now: datetime = NOON, **values) -> CreditGrant:
    make_unit(unit)
    source = CreditGrant.Source.STAFF
    return grant_credits(
        organization=organization, unit=unit, amount=amount, source=source, reference=reference, now=now, **values
    )


def test_a_quiet_day_shows_noughts_and_no_alarm(signed_in, stella):
    page = signed_in(stella).get(INDEX)
    assert {value for value, *_ in shown(signed_in(stella))["Trouble"]} == {"0", "–"}
    assert "alarming" not in page.content.decode()
    assert "As of 15 Jun 2026, 12:00 UTC; the last 30 days began on 16 May 2026." in page.content.decode()


def test_failed_stripe_events(signed_in, stella):
    failed, _ = (
        StripeEvent.objects.create(
            stripe_id=f"evt_{status}", type="charge.refunded", object_type="charge", payload={}, created=NOON,
            received_at=NOON, status=status, next_attempt_at=NOON,
        )
        for status in ("failed", "received")
    )  # fmt: skip
    office = signed_in(stella)
    assert ("1", "failed Stripe events", "") in shown(office)["Trouble"]
    assert listed(office, "failed Stripe events") == [[failed]]
    assert 'class="alarming"' in office.get(INDEX).content.decode()


def test_overdue_invoices(signed_in, stella, acme):
    plan = Plan.objects.create(code="pro", name="Pro")
    subscription = Subscription.objects.create(
        organization=acme, stripe_id="sub_1", role="base", plan=plan, interval="month", status="past_due",
        anchor=NOON, started_at=NOON, synced_at=NOON,
    )  # fmt: skip
    unpaid, _ = (
        DunningCase.objects.create(
            organization=acme, subscription=subscription, stripe_invoice_id=f"in_{state}", amount_due=2900,
            currency="usd", first_failed_at=NOON, state=state, resolved_at=resolved_at,
        )
        for state, resolved_at in (("open", None), ("paid", NOON))
    )  # fmt: skip
    office = signed_in(stella)
    assert ("1", "overdue invoices", "") in shown(office)["Trouble"]
    assert listed(office, "overdue invoices") == [[unpaid]]


def test_webhooks_that_fail(signed_in, stella, acme):
    failing, _, _ = (
        WebhookEndpoint.objects.create(url="https://x.example", secret="s", enabled=enabled, failing_since=since)
        for enabled, since in ((True, NOON), (True, None), (False, NOON))
    )
    event = Event.objects.create(organization=acme, type="credits.low", key="1", data={}, occurred_at=NOON)
    given_up, *_ = (
        WebhookDelivery.objects.create(
            event=event, endpoint=endpoint, status="exhausted", retry_from=created_at, created_at=created_at
        )
        for endpoint, created_at in zip(WebhookEndpoint.objects.all(), (NOON, LONG_AGO), strict=False)
    )
    office = signed_in(stella)
    assert {
        ("1", "failing webhook endpoints", ""),
        ("1", "webhook deliveries given up, last 30 days", ""),
    } <= set(shown(office)["Trouble"])
    assert listed(office, "failing webhook endpoints") == [[failing]]
    assert listed(office, "webhook deliveries given up, last 30 days") == [[given_up]]


def test_the_last_audit_and_a_day_of_tallies(signed_in, stella):
    AuditRun.objects.create(at=LONG_AGO, wallets=1, entries=1, duration_ms=1, differences=["one", "two", "three"])
    audit = AuditRun.objects.create(at=NIGHT, wallets=1, entries=1, duration_ms=1, differences=["one", "two"])
    TallyRun.objects.create(started_at=LONG_AGO, errors=5)
    tally = TallyRun.objects.create(started_at=NIGHT, errors=3)
    TallyRun.objects.create(started_at=NOON, errors=0)
    office = signed_in(stella)
    assert {
        ("2", "differences in the ledger", "audited 15 Jun 2026, 03:00 UTC"),
        ("3", "tally errors, last 24 hours", ""),
    } <= set(shown(office)["Trouble"])
    assert listed(office, "differences in the ledger") == [[audit]]
    assert listed(office, "tally errors, last 24 hours") == [[tally]]


def test_sales_refunds_and_disputes_per_currency(signed_in, stella, acme):
    first, second = (bought(acme, amount=amount, paid_at=NIGHT) for amount in (123_400, 50))
    euros = bought(acme, amount=700, paid_at=NIGHT, currency="eur")
    bought(acme, amount=900, paid_at=LONG_AGO)
    refund, _ = (
        Refund.objects.create(purchase=first, status=status, amount=400, credits="1", created_at=NIGHT)
        for status in ("pending", "failed")
    )
    dispute, _ = (
        Dispute.objects.create(
            purchase=second, stripe_dispute=f"du_{status}", status=status, stripe_status=status,
            amount=50, opened_at=NIGHT,
        )
        for status in ("open", "won")
    )  # fmt: skip
    office = signed_in(stella)
    assert shown(office)["Credits sold, last 30 days"] == [
        ("€7.00", "paid", "1 purchase, EUR"),
        ("$1,234.50", "paid", "2 purchases, USD"),
        ("$4.00", "refunded", "1 refund, USD"),
    ]
    assert ("1", "open disputes", "") in shown(office)["Trouble"]
    assert listed(office, "paid") == [[euros], [second, first]]
    assert listed(office, "refunded") == [[refund]]
    assert listed(office, "open disputes") == [[dispute]]


def test_what_is_owed_in_credits_per_unit(signed_in, stella, acme, globex):
    mine = give(acme, "usd", "20", reference="staff:1")
    theirs = give(globex, "usd", "5.5", reference="staff:2")
    give(acme, "usd", "100", reference="staff:3", now=LONG_AGO, expires_at=NOON)
    sessions = give(acme, "sessions", "7", reference="staff:4")
    spend(organization=acme, unit="usd", amount="4", reference="use:1", at=NOON, now=NOON)
    [card] = issue_gift_cards(
        name="Sorry", unit=make_unit("usd"), amount="10", count=1, valid_days=365, expires_at=None,
        created_by=stella, now=NOON,
    )  # fmt: skip
    GiftCard.objects.create(
        code_hash="void", last_four="VOID", name="Void", unit=make_unit("usd"), amount=9, created_at=NOON,
        voided_at=NOON,
    )  # fmt: skip
    office = signed_in(stella)
    assert shown(office)["Owed in credits"] == [
        ("7", "SESSIONS credits", "not used yet, in 1 grant"),
        ("21.5", "US dollar credits", "not used yet, in 2 grants"),
        ("10", "US dollar credits", "on 1 gift card not redeemed yet"),
    ]
    assert listed(office, "SESSIONS credits") == [[sessions]]
    assert listed(office, "US dollar credits") == [[theirs, mine], [card.card]]


def test_staff_see_only_figures_of_what_they_may_view(signed_in, sven, acme):
    bought(acme, amount=100, paid_at=NIGHT)
    give(acme, "usd", "20", reference="staff:1")
    office = signed_in(sven)
    assert shown(office) == {}
    assert 'class="figures"' not in office.get(INDEX).content.decode()
    sven.user_permissions.add(Permission.objects.get(codename="view_dispute", content_type__app_label="credits"))
    assert shown(signed_in(sven)) == {"Trouble": [("0", "open disputes", "")]}


def test_the_figures_cost_the_same_however_many_rows(signed_in, stella, acme, django_assert_max_num_queries):
    for number in range(20):
        bought(acme, amount=100, paid_at=NIGHT)
        give(acme, "usd", "1", reference=f"staff:{number}")
    office = signed_in(stella)
    with django_assert_max_num_queries(20):
        assert office.get(INDEX).status_code == 200
