"""What the app above, `usage`, does when something happens here. It registers in its `AppConfig.ready()`.

| hook | called when | what usage does, in `usage/services/` |
|---|---|---|
| `terms_changed` | an organization's terms change | moves later events to new segments: `segments.apply_new_terms` |
| `catalogue_changed` | what plans say changes | settles all on them anew: `segments.apply_new_catalogue` |
| `window_closing` | a window's invoice is about to close | settles it first: `settlement.settle_organization` |
| `used` | a page shows what of a commitment is used | says what was counted: `meter_snapshots.used_of` |

A segment is a part of a window under one set of terms.
"""

from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeVar

from accounts.models import Organization

T = TypeVar("T")


class TermsChanged(Protocol):
    """An organization's terms differ from `since` on. Called in the transaction that changes them."""

    def __call__(self, *, organization: Organization, since: datetime, now: datetime) -> None: ...


class CatalogueChanged(Protocol):
    """The terms of these plans differ from `now` on. Called in the transaction that changes them."""

    def __call__(self, *, plan_ids: list[int], now: datetime) -> None: ...


class WindowClosing(Protocol):
    """Settle what was used, because an invoice that bills a window is about to be closed. No transaction is open."""

    def __call__(self, *, organization: Organization, now: datetime) -> object: ...


class UsageReader(Protocol):
    """How much of a meter the window of `at` has counted (for `latest`, the present reading)."""

    def __call__(self, *, organization: Organization, meter: str, at: datetime) -> Decimal: ...


_terms_changed: list[TermsChanged] = []
_catalogue_changed: list[CatalogueChanged] = []
_window_closing: list[WindowClosing] = []
_usage_readers: list[UsageReader] = []


def on_terms_changed(callback: TermsChanged) -> None:
    _add(_terms_changed, callback)


def on_catalogue_changed(callback: CatalogueChanged) -> None:
    _add(_catalogue_changed, callback)


def on_window_closing(callback: WindowClosing) -> None:
    _add(_window_closing, callback)


def reads_usage(callback: UsageReader) -> None:
    _add(_usage_readers, callback)


def terms_changed(*, organization: Organization, since: datetime, now: datetime) -> None:
    for callback in _terms_changed:
        callback(organization=organization, since=since, now=now)


def catalogue_changed(*, plan_ids: list[int], now: datetime) -> None:
    for callback in _catalogue_changed:
        callback(plan_ids=plan_ids, now=now)


def window_closing(*, organization: Organization, now: datetime) -> None:
    for callback in _window_closing:
        callback(organization=organization, now=now)


def used(*, organization: Organization, meter: str, at: datetime) -> Decimal | None:
    """In the meter's unit; None when no app counts."""
    for reader in _usage_readers:
        return reader(organization=organization, meter=meter, at=at)
    return None


def _add(callbacks: list[T], callback: T) -> None:
    if callback not in callbacks:
        callbacks.append(callback)
