"""CSV files that people open in a spreadsheet, safe against formulas in what customers typed."""

import csv
from collections.abc import Iterable, Iterator

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
        yield writer.writerow([without_formula(value) for value in row])


def without_formula(value: object) -> object:
    if isinstance(value, str) and value.startswith(RISKY_STARTS):
        return f"'{value}"
    return value
