"""Scenario 6."""

from datetime import UTC, datetime

import pytest
import time_machine

from payments.catalogue_file import load
from tests.scenarios.usage_shop import CATALOGUE, Backend, put_on

NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


@pytest.mark.django_db
def test_500_of_600_are_paid_the_rest_refuses_mau_until_credits_come(api, service_key, acme):
    with time_machine.travel(NOON, tick=False):
        load(text=CATALOGUE, now=datetime(2026, 1, 1, tzinfo=UTC))
        put_on(acme, "grown", since=datetime(2026, 6, 1, tzinfo=UTC))
        backend = Backend(api(service_key), acme)
        backend.grant("mau", "500")
        backend.report("mau", 1600)
        backend.tally()
        assert backend.available("mau") == 0
        assert (backend.month("mau")["from_credits"], backend.month("mau")["unpaid"]) == ("500", "100")
        assert backend.may("mau") == (False, "limit_reached")
        assert backend.may("storage") == (True, "allowance")
        assert backend.may("bandwidth") == (True, "allowance")

        backend.grant("mau", "200")
        backend.tally()
        assert backend.drawn() == [500, 100]
        assert backend.available("mau") == 100
        assert backend.may("mau") == (True, "credits")
