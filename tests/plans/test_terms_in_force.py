"""`terms_for`: what holds for an organization, read in one query."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction

from plans.engine.price_ladders import parse
from plans.models import LadderOverride, Meter, Plan, PlanRevision, Subscription, TermsPeriod
from plans.terms_in_force import terms_for, terms_for_many, timelines_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscribed(acme, now) -> Subscription:
    return Subscription.objects.create(
        organization=acme,
        stripe_id="sub_1",
        role="base",
        plan=Plan.objects.get(code="pro"),
        interval="month",
        status="active",
        anchor=now,
        started_at=now,
        synced_at=now,
    )


def period(subscription: Subscription, start: datetime, end: datetime | None = None, **others: object) -> TermsPeriod:
    return TermsPeriod.objects.create(
        organization=subscription.organization,
        subscription=subscription,
        starts_at=start,
        ends_at=end,
        **({"plan": subscription.plan, "interval": "month", "window_anchor": start, "stretch_start": start} | others),
    )


def test_an_organization_without_a_plan_is_on_the_default_one_by_calendar_month(catalogue, acme, now) -> None:
    terms = terms_for(organization=acme, at=now)
    assert (terms.plan, terms.plan_name, terms.interval) == ("free", "Free", None)
    assert terms.window.start == datetime(2026, 6, 1, tzinfo=UTC)
    sessions = terms.meters["sessions"]
    assert (sessions.included, sessions.beyond, sessions.concurrency) == (100, "block", 5)
    assert [(rate.unit, rate.ladder) for rate in sessions.credit_rates] == [
        ("sessions", parse([{"price": "1"}])),
        ("usd", parse([{"up_to": "1000000", "price": "0.003"}, {"price": "0.0022"}])),
    ]
    assert "instances" not in terms.meters


def test_without_any_plan_there_are_terms_without_meters(acme, now) -> None:
    assert dict(terms_for(organization=acme, at=now).meters) == {}


def test_a_paid_plan_brings_its_own_windows_and_prices(catalogue, subscribed, acme, globex, now) -> None:
    period(subscribed, now)
    terms = terms_for_many(organization_ids=[acme.pk, globex.pk], at=now + timedelta(days=3))
    assert (terms[acme.pk].plan, terms[globex.pk].plan) == ("pro", "free")
    sessions = terms[acme.pk].meters["sessions"]
    assert terms[acme.pk].window.start == now
    assert (sessions.included, sessions.beyond, sessions.currency) == (400, "bill", "usd")
    assert sessions.bill == parse([{"price": "0.07"}])


def test_the_second_question_costs_one_query_and_so_do_many_instants(
    catalogue, subscribed, acme, now, django_assert_num_queries
) -> None:
    period(subscribed, now)
    terms_for(organization=acme, at=now)
    with django_assert_num_queries(1):
        terms_for(organization=acme, at=now + timedelta(hours=1))
    with django_assert_num_queries(1):
        timeline = timelines_for(organization_ids=[acme.pk], since=now)[acme.pk]
        assert [timeline.terms_at(now + timedelta(days=days)).plan for days in range(-40, 60)] == ["free"] * 40 + [
            "pro"
        ] * 60


def test_an_override_changes_nothing_for_anybody_else(catalogue, acme, globex, now) -> None:
    LadderOverride.objects.create(
        organization=globex,
        meter=Meter.objects.get(code="sessions"),
        unit_id="usd",
        ladder=parse([{"price": "9"}]),
        starts_at=now - timedelta(days=1),
    )
    own = terms_for(organization=globex, at=now).meters["sessions"].credit_rates
    assert [rate.ladder for rate in own] == [parse([{"price": "1"}]), parse([{"price": "9"}])]
    assert terms_for(organization=acme, at=now).meters["sessions"].credit_rates[1].ladder != parse([{"price": "9"}])


def test_a_changed_catalogue_is_seen_at_once_and_keeps_its_past(catalogue, load_catalogue, acme, now) -> None:
    assert terms_for(organization=acme, at=now).meters["sessions"].included == 100
    changed = load_catalogue(
        '[[plans]]\ncode = "free"\n[[plans.allowances]]\nmeter = "sessions"\nincluded = "150"\nbeyond = "block"\n',
        now=now,
    )
    assert changed == ["plans free updated: allowances"]
    after = terms_for(organization=acme, at=now + timedelta(hours=1))
    assert [segment.meters["sessions"].included for segment in after.segments] == [D(100), D(150)]
    assert terms_for(organization=acme, at=now - timedelta(hours=1)).meters["sessions"].included == 100
    assert PlanRevision.objects.filter(plan__code="free").count() == 2


def test_the_database_refuses_two_periods_at_once(catalogue, subscribed, now) -> None:
    period(subscribed, now, now + timedelta(days=10))
    with pytest.raises(IntegrityError, match="never_overlap"), transaction.atomic():
        period(subscribed, now + timedelta(days=9))
    assert TermsPeriod.objects.count() == 1
    period(subscribed, now + timedelta(days=10))


def test_the_database_refuses_a_second_live_base_subscription(catalogue, subscribed, now) -> None:
    subscribed.pk, subscribed.stripe_id = None, "sub_2"
    with pytest.raises(IntegrityError, match="one_live_base_subscription"), transaction.atomic():
        subscribed.save()
    assert Subscription.objects.count() == 1
    subscribed.status = "incomplete"
    subscribed.save()
