"""When a draw leaves little, the ledger has somebody look, and what goes wrong there undoes no draw."""

import pytest
from django.db import connection, transaction

from credits.models import Wallet
from notifications.models import Event
from tests.credits.wallet_driver import WalletDriver, figures


@pytest.fixture
def ten(usd_wallet: WalletDriver) -> WalletDriver:
    """Ten credits, freshly added: below two of them the balance is low."""
    usd_wallet.grant("10", announce=True)
    return usd_wallet


def published() -> list[tuple[str, str]]:
    events = Event.objects.filter(type__in=["credits.low", "credits.exhausted"]).order_by("id")
    return [(event.type, event.data["available"]) for event in events]


def test_a_draw_down_to_the_watched_level_is_looked_at_once_it_is_committed(ten: WalletDriver, commits):
    assert ten.row.watch_at == 2
    Wallet.objects.update(watch_at=5)
    with commits():
        ten.spend("4")
    assert ten.row.watch_at == 5
    with commits():
        ten.hold("1")
        assert ten.row.watch_at == 5
    assert ten.row.watch_at == 2
    with commits():
        ten.hold("3.5")
        assert published() == []
    assert published() == [("credits.low", "1.5")]
    with commits():
        ten.spend("1.5")
    assert published() == [("credits.low", "1.5"), ("credits.exhausted", "0")]
    assert ten.row.watch_at is None


@pytest.mark.django_db(transaction=True)
def test_an_alert_that_fails_undoes_no_draw_and_the_next_draw_sends_it(ten: WalletDriver, caplog):
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE FUNCTION fail_for_the_test() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'alerts cannot be written'; END $$;
            CREATE TRIGGER fail_for_the_test BEFORE UPDATE ON credits_walletalert
            FOR EACH ROW EXECUTE FUNCTION fail_for_the_test();
            """
        )
    try:
        with transaction.atomic():
            ten.spend("9")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION fail_for_the_test CASCADE")
    assert "alerts cannot be written" in caplog.text
    assert ten.figures() == figures("1")
    assert published() == []
    ten.spend("0.5")
    assert published() == [("credits.low", "0.5")]
