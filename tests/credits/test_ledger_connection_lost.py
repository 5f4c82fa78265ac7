"""The connection dies at each statement of a capture: afterwards it is as before, or as after, never between."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, connection, connections

from credits.errors import HoldEnded
from credits.models import CreditHold
from credits.services.holds import capture_hold
from tests.credits.wallet_driver import WalletDriver, assert_clean, figures
from tests.factories import OrganizationFactory

pytestmark = pytest.mark.django_db(transaction=True)

# Every statement by which a capture writes, just before and just after it; `commit` is the last moment of all.
MOMENTS = [
    ("credits_credithold", "BEFORE UPDATE"),
    ("credits_credithold", "AFTER UPDATE"),
    ("credits_creditgrant", "BEFORE UPDATE"),
    ("credits_creditgrant", "AFTER UPDATE"),
    ("credits_ledgerentry", "BEFORE INSERT"),
    ("credits_ledgerentry", "AFTER INSERT"),
    ("credits_wallet", "BEFORE UPDATE"),
    ("credits_wallet", "AFTER UPDATE"),
    ("credits_wallet", "commit"),
]


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def killed_at(table: str, moment: str) -> Iterator[None]:
    """The server ends its own session at that moment, as a crash or an administrator would."""
    run(
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NEW; END $$"
    )
    if moment == "commit":
        run(
            f"CREATE CONSTRAINT TRIGGER die AFTER UPDATE ON {table} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()"
        )
    else:
        run(f"CREATE TRIGGER die {moment} ON {table} FOR EACH ROW EXECUTE FUNCTION die()")
    try:
        with pytest.raises(DatabaseError):
            yield
    finally:
        connections.close_all()
        run("DROP FUNCTION die CASCADE")


def test_a_capture_cut_off_anywhere_left_everything_as_before(usd, now):
    for table, moment in MOMENTS:
        usd_wallet = WalletDriver(OrganizationFactory(), usd, now)
        usd_wallet.grant("3")
        usd_wallet.grant("10")
        hold = usd_wallet.hold("4")
        with killed_at(table, moment):
            capture_hold(hold=hold, amount="15", now=now)
        assert usd_wallet.figures() == figures("13", held="4", available="9"), (table, moment)
        assert CreditHold.objects.get(pk=hold.pk).status == "open"
        assert usd_wallet.entries() == [("grant", "3"), ("grant", "10")]
        assert_clean()

        assert capture_hold(hold=hold, amount="15", now=now).debt == 2
        assert usd_wallet.figures() == figures("-2", available="0", debt="2")
        assert_clean()


def test_a_capture_whose_answer_was_lost_is_repeated_without_harm(usd_wallet: WalletDriver):
    """The commit went through, the client never heard of it and asks again from what it knew."""
    usd_wallet.grant("10")
    hold = usd_wallet.hold("4")
    unaware = CreditHold.objects.get(pk=hold.pk)
    capture_hold(hold=hold, amount="3", now=usd_wallet.now)
    connections.close_all()
    assert capture_hold(hold=unaware, amount="3", now=usd_wallet.now).captured == 3
    with pytest.raises(HoldEnded):
        capture_hold(hold=unaware, amount="4", now=usd_wallet.now)
    assert usd_wallet.figures() == figures("7")
    assert_clean()
