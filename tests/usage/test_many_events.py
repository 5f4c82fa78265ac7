"""100,000 events, a fifth of them sent twice, shuffled, over 1,000 organizations: the totals are exact."""

import random
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import Sum

from accounts.models import Organization
from usage.models import UsageCounter, UsageEvent
from usage.services.ingest import ingest

SENT = 100_000
DIFFERENT = 80_000
ORGANIZATIONS = 1_000
BATCH = 1_000


@pytest.mark.volume
def test_many_events_shuffled_with_duplicates_give_exact_totals(catalogue, now):
    Organization.objects.bulk_create(
        Organization(name=f"Organization {number}", email="o@example.com") for number in range(ORGANIZATIONS)
    )
    ids = list(Organization.objects.order_by("pk").values_list("public_id", flat=True))
    draw = random.Random(20260615)
    started = (now - timedelta(days=10)).isoformat()
    events = [
        {
            "id": str(number),
            "organization": ids[number % ORGANIZATIONS],
            "meter": "calls" if number % 3 else "sessions",
            "timestamp": started,
            "quantity": str(number % 7),
            "duration_ms": 4_000 + number % 2_000,
        }
        for number in range(DIFFERENT)
    ]
    sent = [*events, *draw.sample(events, SENT - DIFFERENT)]
    draw.shuffle(sent)

    totals: Counter[str] = Counter()
    for start in range(0, SENT, BATCH):
        taken = ingest(events=sent[start : start + BATCH], now=now)
        totals += Counter(accepted=taken.accepted, duplicates=taken.duplicates, rejected=len(taken.rejected))

    assert totals == Counter(accepted=DIFFERENT, duplicates=SENT - DIFFERENT)
    assert UsageEvent.objects.count() == DIFFERENT
    expected: Counter[tuple[str, str]] = Counter()
    for number, event in enumerate(events):
        counts = number % 7 if event["meter"] == "calls" else int(event["duration_ms"] >= 5_000)
        expected[event["organization"], event["meter"]] += counts
    counted = UsageCounter.objects.values_list("organization__public_id", "meter__code").annotate(Sum("billable"))
    assert {(organization, meter): total for organization, meter, total in counted} == {
        key: Decimal(total) for key, total in expected.items()
    }
