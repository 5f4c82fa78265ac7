"""When a balance is low: below a fifth of what was there after the last top-up, or below the own mark."""

from decimal import Decimal

SHARE = Decimal("0.2")


def low_mark(*, level: Decimal, threshold: Decimal | None) -> Decimal:
    """Below this a balance is low."""
    return level * SHARE if threshold is None else threshold


def is_low(available: Decimal, *, level: Decimal, threshold: Decimal | None) -> bool:
    return available < low_mark(level=level, threshold=threshold)


def next_watch(
    *, level: Decimal, threshold: Decimal | None, low_sent: bool, exhausted_sent: bool, top_up_at: Decimal | None
) -> Decimal | None:
    """The highest balance at or below which somebody must look; None when every alert was sent."""
    marks = []
    if not low_sent:
        marks.append(low_mark(level=level, threshold=threshold))
    if not exhausted_sent:
        marks.append(Decimal(0))
    if top_up_at is not None:
        marks.append(top_up_at)
    return max(marks, default=None)
