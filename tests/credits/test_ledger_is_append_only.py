"""What was posted stays: refused by the database itself, whoever asks."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError

from core.money import Money
from credits.models import CreditGrant, LedgerEntry
from credits.services.wallets import ensure_wallet
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


@pytest.mark.parametrize(
    ("column", "value"), [("wallet_id", None), ("amount", "11"), ("paid_amount", "501"), ("paid_currency", "'eur'")]
)
def test_each_of_a_grants_terms_stays_as_it_was_sold(usd_wallet: WalletDriver, globex, column, value):
    grant = usd_wallet.grant("10", paid=Money(500, "usd"))
    other = ensure_wallet(organization=globex, unit="usd")
    before = CreditGrant.objects.values().get()
    with (
        pytest.raises(DatabaseError, match="UPDATE of credits_creditgrant is refused"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"UPDATE credits_creditgrant SET {column} = {value or other.pk} WHERE id = {grant.pk}")
    assert CreditGrant.objects.values().get() == before
    assert_clean()


@pytest.mark.parametrize("column", [field.column for field in LedgerEntry._meta.concrete_fields])
def test_no_column_of_an_entry_can_be_written_again(usd_wallet: WalletDriver, column):
    usd_wallet.grant("10")
    before = LedgerEntry.objects.values().get()
    with (
        pytest.raises(DatabaseError, match="UPDATE of credits_ledgerentry is refused"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE credits_ledgerentry SET {column} = {column}")
    assert LedgerEntry.objects.values().get() == before


def test_what_is_no_term_of_a_grant_may_be_corrected(usd_wallet: WalletDriver):
    grant = usd_wallet.grant("10", paid=Money(500, "usd"))
    later = usd_wallet.now + timedelta(days=400)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE credits_creditgrant SET amount = amount, expires_at = %s", [later])
    grant.refresh_from_db()
    assert (grant.amount, grant.expires_at) == (10, later)


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
