"""What `usage`, which lies above, does for this app. It registers in its `AppConfig.ready()`."""

from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeVar

from accounts.models import Organization

T = TypeVar("T")


class TermsChanged(Protocol):
    """An organization's terms differ from `since` on. Called in the transaction that changes them."""

    def __call__(self, *, organization: Organization, since: datetime, now: datetime) -> None: ...


class CatalogueChanged(Protocol):
    """What these plans say differs from `now` on, for everyone on them. Called in the transaction that changes it."""

    def __call__(self, *, plan_ids: list[int], now: datetime) -> None: ...


class SettleUsage(Protocol):
    """Settle what was used, because an invoice that bills a window is about to be closed. No transaction is open."""

    def __call__(self, *, organization: Organization, now: datetime) -> object: ...


class UsageReader(Protocol):
    """How much of a meter the window of `at` has counted (for `latest`, the present reading)."""

    def __call__(self, *, organization: Organization, meter: str, at: datetime) -> Decimal: ...


_terms_changed: list[TermsChanged] = []
_catalogue_changed: list[CatalogueChanged] = []
_settle_usage: list[SettleUsage] = []
_usage_readers: list[UsageReader] = []


def on_terms_changed(callback: TermsChanged) -> TermsChanged:
    return _added(_terms_changed, callback)


def on_catalogue_changed(callback: CatalogueChanged) -> CatalogueChanged:
    return _added(_catalogue_changed, callback)


def on_window_closing(callback: SettleUsage) -> SettleUsage:
    return _added(_settle_usage, callback)


def reads_usage(callback: UsageReader) -> UsageReader:
    return _added(_usage_readers, callback)


def terms_changed(*, organization: Organization, since: datetime, now: datetime) -> None:
    for callback in _terms_changed:
        callback(organization=organization, since=since, now=now)


def catalogue_changed(*, plan_ids: list[int], now: datetime) -> None:
    for callback in _catalogue_changed:
        callback(plan_ids=plan_ids, now=now)


def window_closing(*, organization: Organization, now: datetime) -> None:
    for callback in _settle_usage:
        callback(organization=organization, now=now)


def used(*, organization: Organization, meter: str, at: datetime) -> Decimal | None:
    """None when nobody counts."""
    for reader in _usage_readers:
        return reader(organization=organization, meter=meter, at=at)
    return None


def _added(callbacks: list[T], callback: T) -> T:
    if callback not in callbacks:
        callbacks.append(callback)
    return callback
