"""Proving the ledger from its own rows."""

import time
from datetime import datetime

from django.db import connection
from django.db.models import Sum

from core.health import Health
from core.quantities import as_text
from credits.models import AuditRun, Wallet


def audit_ledger(*, now: datetime) -> AuditRun:
    """Check every wallet and record the outcome; there is nothing that mends, corrections are entries."""
    started = time.monotonic()
    found = differences()
    return AuditRun.objects.create(
        at=now,
        wallets=Wallet.objects.count(),
        entries=Wallet.objects.aggregate(entries=Sum("last_sequence"))["entries"] or 0,
        duration_ms=round((time.monotonic() - started) * 1000),
        differences=found,
    )


def differences() -> list[str]:
    """Each broken rule in words; all of them seen on one snapshot, so postings meanwhile do no harm."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT organization.public_id, wallet.unit_id, broken.rule, broken.subject, broken.expected, broken.found
            FROM ledger_audit() broken
            JOIN credits_wallet wallet ON wallet.id = broken.wallet_id
            JOIN accounts_organization organization ON organization.id = wallet.organization_id
            """
        )
        rows = cursor.fetchall()
    return [
        f"{organization} {unit}: {rule}{f' ({subject})' if subject else ''}: "
        f"expected {as_text(expected)}, found {as_text(found)}"
        for organization, unit, rule, subject, expected, found in rows
    ]


def audit_health() -> Health:
    """A line of `/readyz`: a ledger that does not add up must not go on selling."""
    run = AuditRun.objects.first()
    if run is None:
        return Health(True, "not audited yet")
    return Health(run.is_clean, str(run))
