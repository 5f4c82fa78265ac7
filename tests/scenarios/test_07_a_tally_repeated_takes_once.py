"""Scenario 7."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from credits.models import LedgerEntry
from payments.catalogue_file import load
from tests.scenarios.usage_shop import CATALOGUE, Backend
from tests.usage.processes import run_beside


@pytest.mark.django_db(transaction=True)
def test_four_times_and_two_at_once_from_two_processes_take_once(api, service_key, acme):
    load(text=CATALOGUE, now=datetime(2026, 1, 1, tzinfo=UTC))
    backend = Backend(api(service_key), acme)
    backend.grant("usd", "100")
    backend.report("calls", 10, quantity="100")
    later = (timezone.now() + timedelta(minutes=1)).isoformat()
    both = [run_beside("tally", later) for _ in range(2)]
    outputs = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    for _ in range(4):
        backend.tally()
    assert backend.drawn() == [3]
    assert LedgerEntry.objects.filter(kind="spend").count() == 1
    assert backend.available("usd") == 97
