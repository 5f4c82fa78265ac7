"""Scenario 9."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command

from credits.models import LedgerEntry
from credits.services.audit import audit_ledger
from payments.catalogue_file import load
from tests.scenarios.usage_shop import CATALOGUE, Backend

NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


@pytest.mark.django_db
def test_ten_from_the_first_two_from_the_second_and_one_expiry(api, service_key, acme):
    load(text=CATALOGUE, now=datetime(2026, 1, 1, tzinfo=UTC))
    with time_machine.travel(NOON, tick=False):
        backend = Backend(api(service_key), acme)
        backend.grant("usd", "50", expires_at=(NOON + timedelta(days=300)).isoformat())
        backend.grant("usd", "10", expires_at=(NOON + timedelta(days=5)).isoformat())
        backend.report("calls", quantity="4000")  # 12 dollars
        backend.tally()
        assert sorted(backend.drawn()) == [2, 10]
        assert backend.available("usd") == 48
    with time_machine.travel(NOON + timedelta(days=366), tick=False):
        for _ in range(2):
            call_command("expire_credits", stdout=StringIO())
        assert [entry.amount for entry in LedgerEntry.objects.filter(kind="expire")] == [-48]
        assert backend.available("usd") == 0
        assert audit_ledger(now=NOON + timedelta(days=366)).is_clean
