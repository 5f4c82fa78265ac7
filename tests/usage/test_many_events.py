"""A million events sent, a fifth of them for the second time, shuffled, over 1,000 organizations: totals are exact."""

import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum

from accounts.models import Organization
from plans.models import Meter
from usage.models import UsageCounter, UsageEvent
from usage.services import meter_states
from usage.services.ingest import ingest

SENT = 1_000_000
DIFFERENT = 800_000
ORGANIZATIONS = 1_000
BATCH = 1_000
CLIENTS = 2


def meter_of(number: int) -> str:
    return "calls" if number % 3 else "sessions"


def event(number: int, ids: Sequence[str], at: str) -> dict[str, Any]:
    return {
        "id": str(number),
        "organization": ids[number % ORGANIZATIONS],
        "meter": meter_of(number),
        "timestamp": at,
        "quantity": str(number % 7),
        "duration_ms": 4_000 + number % 2_000,
    }


def counts(number: int) -> int:
    """What an event adds: its quantity to `calls`, one to `sessions` when it lasted for five seconds."""
    return number % 7 if meter_of(number) == "calls" else int(4_000 + number % 2_000 >= 5_000)


@pytest.mark.volume
@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_million_events_shuffled_with_duplicates_give_exact_totals(catalogue, now):
    Organization.objects.bulk_create(
        Organization(name=f"Organization {number}", email="o@example.com") for number in range(ORGANIZATIONS)
    )
    ids = list(Organization.objects.order_by("pk").values_list("public_id", flat=True))
    mark_all(now)
    sent = [*range(DIFFERENT), *random.Random(20260615).sample(range(DIFFERENT), SENT - DIFFERENT)]
    random.Random(20260616).shuffle(sent)
    at = (now - timedelta(days=10)).isoformat()

    def send(share: range) -> Counter[str]:
        totals: Counter[str] = Counter()
        for first in share:
            taken = ingest(events=[event(number, ids, at) for number in sent[first : first + BATCH]], now=now)
            totals += Counter(accepted=taken.accepted, duplicates=taken.duplicates, rejected=len(taken.rejected))
        connection.close()
        return totals

    with ThreadPoolExecutor(CLIENTS) as clients:
        shares = [range(number * BATCH, SENT, CLIENTS * BATCH) for number in range(CLIENTS)]
        totals = sum(clients.map(send, shares), Counter())

    assert totals == Counter(accepted=DIFFERENT, duplicates=SENT - DIFFERENT)
    assert UsageEvent.objects.count() == DIFFERENT
    expected: Counter[tuple[str, str]] = Counter()
    for number in range(DIFFERENT):
        expected[ids[number % ORGANIZATIONS], meter_of(number)] += counts(number)
    counted = UsageCounter.objects.values_list("organization__public_id", "meter__code").annotate(Sum("billable"))
    assert {(organization, meter): total for organization, meter, total in counted} == {
        key: Decimal(total) for key, total in expected.items()
    }


def mark_all(now: datetime) -> None:
    """As if every meter had just reported: nobody has to be told of each batch, and no task runs in between."""
    organizations, meters = (
        Organization.objects.values_list("pk", flat=True),
        Meter.objects.values_list("pk", flat=True),
    )
    meter_states.lock_and_mark_due(
        {(organization, meter): now - timedelta(days=30) for organization in organizations for meter in meters}, now=now
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
