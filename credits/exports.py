"""The ledger as a file that people open in a spreadsheet."""

from collections.abc import Iterator
from decimal import Decimal

from core.csv_export import csv_lines
from core.quantities import as_text
from credits.models import LedgerEntry, Wallet


def ledger_csv(wallet: Wallet) -> Iterator[str]:
    """All entries of one wallet, newest first."""
    header = ["when (UTC)", "kind", "reason", f"amount ({wallet.unit_id})", "balance after", "reference", "grant", "by"]
    entries = LedgerEntry.objects.filter(wallet=wallet).select_related("grant", "actor").order_by("-sequence")
    yield from csv_lines([header])
    yield from csv_lines(
        [
            entry.created_at.isoformat(),
            entry.get_kind_display(),
            entry.reason,
            Decimal(as_text(entry.amount)),
            Decimal(as_text(entry.balance_after)),
            entry.reference,
            entry.grant.public_id if entry.grant else "",
            str(entry.actor or ""),
        ]
        for entry in entries.iterator(chunk_size=2000)
    )
