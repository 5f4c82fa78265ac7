"""Files that people open in a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator
from decimal import Decimal

from credits.models import LedgerEntry, Wallet
from credits.quantities import as_text

# https://owasp.org/www-community/attacks/CSV_Injection: what a spreadsheet would take for a formula.
RISKY_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


class _Line:
    """A file for `csv.writer` that hands back what is written."""

    def write(self, text: str) -> str:
        return text


def csv_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Rows as CSV; text that could be a formula is preceded by an apostrophe, numbers stay numbers."""
    writer = csv.writer(_Line())
    for row in rows:
        yield writer.writerow([safe(value) for value in row])


def safe(value: object) -> object:
    if isinstance(value, str) and value.startswith(RISKY_STARTS):
        return f"'{value}"
    return value


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
