"""What was posted stays: refused by the database itself, whoever asks."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError

from credits.models import CreditGrant, LedgerEntry
from tests.credits.wallet_driver import WalletDriver, assert_clean, figures


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE credits_ledgerentry SET amount = 1000",
        "UPDATE credits_ledgerentry SET reason = 'nothing happened' WHERE false",
        "DELETE FROM credits_ledgerentry",
        "TRUNCATE credits_ledgerentry CASCADE",
        "TRUNCATE credits_wallet CASCADE",
        "UPDATE credits_creditgrant SET amount = amount + 1",
        "UPDATE credits_creditgrant SET paid_amount = 1, paid_currency = 'usd'",
    ],
)
def test_the_database_refuses(usd_wallet: WalletDriver, statement):
    usd_wallet.grant("10")
    with (
        pytest.raises(DatabaseError, match="the ledger only grows"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement)
    assert usd_wallet.entries() == [("grant", "10")]
    assert_clean()


def test_neither_models_nor_querysets_get_around_it(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    entry = LedgerEntry.objects.get()
    entry.amount = Decimal(1000)
    for attempt in (entry.save, entry.delete, LedgerEntry.objects.all().delete):
        with pytest.raises(DatabaseError, match="the ledger only grows"), transaction.atomic():
            attempt()
    assert usd_wallet.entries() == [("grant", "10")]


def test_wallets_and_grants_with_entries_cannot_be_deleted(usd_wallet: WalletDriver):
    grant = usd_wallet.grant("10")
    for row in (grant, usd_wallet.row, usd_wallet.unit, usd_wallet.organization):
        with pytest.raises(ProtectedError):
            row.delete()
    assert usd_wallet.figures() == figures("10")


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE credits_creditgrant SET remaining = -1", "grant_holds_no_more_than_remains"),
        ("UPDATE credits_creditgrant SET held = 11", "grant_holds_no_more_than_remains"),
        ("UPDATE credits_creditgrant SET held = -1", "grant_holds_no_more_than_remains"),
        ("UPDATE credits_wallet SET debt = -1", "wallet_debt_is_not_negative"),
        ("UPDATE credits_wallet SET held = 11", "wallet_holds_no_more_than_its_grants_have"),
        ("UPDATE credits_credithold SET status = 'released'", "hold_ends_once"),
        ("UPDATE credits_credithold SET debt = 1", "hold_debt_is_part_of_what_was_captured"),
    ],
)
def test_impossible_figures_are_refused_by_named_constraints(usd_wallet: WalletDriver, statement, constraint):
    usd_wallet.grant("10")
    usd_wallet.hold("1")
    with pytest.raises(DatabaseError, match=constraint), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_loaded_row_cannot_write_the_ledgers_figures_back(usd_wallet: WalletDriver):
    grant = usd_wallet.grant("10")
    usd_wallet.spend("4")
    grant.reason = "A better reason"
    for attempt in (grant.save, lambda: grant.save(update_fields=["reason", "remaining"])):
        with pytest.raises(TypeError, match="are the ledger's"):
            attempt()
    grant.save(update_fields=["reason"])
    stored = CreditGrant.objects.get()
    assert (stored.reason, stored.remaining) == ("A better reason", 6)
