"""The table that goes into docs/performance.md."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One figure, what stands beside it, and what their ratio is to reach (`target`) or not to exceed (`limit`)."""

    what: str
    figure: str
    beside: str
    ratio: float
    target: float | None = None
    limit: float | None = None

    @property
    def is_met(self) -> bool:
        return (self.target is None or self.ratio >= self.target) and (self.limit is None or self.ratio <= self.limit)

    @property
    def goal(self) -> str:
        if self.target is not None:
            return f"≥ {self.target:.2f}"
        return f"≤ {self.limit:.2f}" if self.limit is not None else "—"

    @property
    def verdict(self) -> str:
        if self.target is None and self.limit is None:
            return "—"
        return "yes" if self.is_met else "**no**"


def table(lines: Iterable[Line]) -> str:
    """Markdown."""
    rows = [
        f"| {line.what} | {line.figure} | {line.beside or '—'} | {line.ratio:.2f} | {line.goal} | {line.verdict} |"
        for line in lines
    ]
    return "\n".join(["| | here | beside | ratio | goal | met |", "|---|---|---|---|---|---|", *rows])
