"""Scenario 8."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from payments.catalogue_file import load
from plans.engine.price_ladders import parse
from plans.models import LadderOverride, Meter
from tests.scenarios.usage_shop import CATALOGUE, Backend

pytestmark = pytest.mark.django_db
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def backends(api, service_key, acme, globex):
    load(text=CATALOGUE, now=LONG_AGO)
    found = [Backend(api(service_key), organization) for organization in (acme, globex)]
    for backend in found:
        backend.grant("usd", "10000")
    return found


def test_each_total_costs_what_its_tiers_say(backends):
    backend, _ = backends
    spent = []
    for more in ("1000", "5", "1498995"):
        backend.report("calls", quantity=more)
        backend.tally()
        spent.append(Decimal(10_000) - backend.available("usd"))
    assert spent == [Decimal("3.000"), Decimal("3.015"), Decimal("4100")]


def test_anothers_own_tiers_change_nothing_here(backends, globex):
    here, there = backends
    LadderOverride.objects.create(
        organization=globex,
        meter=Meter.objects.get(code="calls"),
        unit_id="usd",
        ladder=parse([{"price": "1"}]),
        starts_at=LONG_AGO,
    )
    for backend in (here, there):
        backend.report("calls", quantity="1000")
        backend.tally()
    assert here.drawn() == [3]
    assert there.drawn() == [1000]
