"""The proof: clean books pass, and each way of cooking them is named."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from credits.models import AuditRun
from credits.services.audit import audit_health, audit_ledger
from credits.tasks import audit_ledger as audit_task
from tests.credits.wallet_driver import WalletDriver
from tests.flush import user_triggers_disabled

COOKED = [
    ("UPDATE credits_wallet SET balance = balance + 1", "balance is the sum of the entries"),
    ("UPDATE credits_creditgrant SET remaining = remaining + 1", "balance is what grants have remaining less debt"),
    ("UPDATE credits_creditgrant SET remaining = remaining + 1", "a grant's entries add up to what remains"),
    ("UPDATE credits_wallet SET debt = debt + 1", "debt is the sum of its entries"),
    ("UPDATE credits_wallet SET held = held + 1", "held is what open holds reserve"),
    ("UPDATE credits_creditgrant SET held = held + 1", "a grant holds what open holds reserve of it"),
    ("UPDATE credits_holdreservation SET amount = amount + 1", "a hold reserves its whole amount"),
    ("UPDATE credits_wallet SET last_sequence = last_sequence + 1", "the last sequence is the number of entries"),
    ("UPDATE credits_wallet SET consumed = consumed + 1", "consumed is the sum of what entries consumed"),
    ("UPDATE credits_ledgerentry SET balance_after = 7 WHERE sequence = 2", "each balance follows from the one before"),
    ("UPDATE credits_ledgerentry SET consumed_after = 7", "what was consumed follows from the entry before"),
    ("DELETE FROM credits_ledgerentry WHERE sequence = 3", "the sequence has no gap"),
    ("UPDATE credits_ledgerentry SET kind = 'repayment' WHERE kind = 'spend'", "repayments move debt and nothing else"),
    ("UPDATE credits_creditgrant SET amount = amount + 1", "what was issued is what grants say"),
    (
        "UPDATE credits_credithold SET captured = 4 WHERE status = 'captured'",
        "holds captured what entries say",
    ),
]


@pytest.fixture
def busy(usd_wallet: WalletDriver) -> WalletDriver:
    """Something of everything."""
    usd_wallet.grant("30")
    usd_wallet.spend("4", reference="settle:1")
    usd_wallet.restore("settle:1", "1")
    usd_wallet.capture(usd_wallet.hold("5"), "3")
    usd_wallet.hold("2")
    return usd_wallet


def cook(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with user_triggers_disabled():
            cursor.execute(statement)


def test_clean_books_pass_and_the_run_is_kept(busy: WalletDriver, capsys):
    call_command("audit_ledger")
    run = AuditRun.objects.get()
    assert (run.is_clean, run.wallets, run.entries) == (True, 1, 4)
    assert "Clean: 1 wallets, 4 entries" in capsys.readouterr().out


@pytest.mark.parametrize(("statement", "rule"), COOKED)
def test_every_way_of_cooking_is_named(busy: WalletDriver, statement, rule):
    cook(statement)
    found = audit_ledger(now=busy.now).differences
    assert any(rule in difference for difference in found), found
    assert all(difference.startswith(f"{busy.organization.public_id} usd: ") for difference in found)


def test_a_difference_says_what_was_expected_and_what_was_found(busy: WalletDriver):
    cook("UPDATE credits_wallet SET balance = balance + 1")
    organization = busy.organization.public_id
    assert f"{organization} usd: balance is the sum of the entries: expected 24, found 25" in (
        audit_ledger(now=busy.now).differences
    )


def test_the_command_exits_non_zero_and_the_task_raises(busy: WalletDriver):
    cook("UPDATE credits_wallet SET consumed = consumed + 1")
    with pytest.raises(CommandError, match="1 differences in 1 wallets"):
        call_command("audit_ledger")
    with pytest.raises(RuntimeError, match="consumed is the sum"):
        audit_task()


def test_readiness_follows_the_last_audit(busy: WalletDriver):
    assert audit_health().ok
    cook("UPDATE credits_wallet SET consumed = consumed + 1")
    audit_ledger(now=busy.now)
    assert not audit_health().ok
    cook("UPDATE credits_wallet SET consumed = consumed - 1")
    audit_ledger(now=busy.now)
    assert audit_health().ok
