"""Row locks: the one place that takes them, and the one order in which they are taken.

Two transactions that lock the same rows in different orders wait for each other for ever, until PostgreSQL ends one of
them. So everybody locks by `Rank`, from the first to the last, and rows of one model in one order (their ids, unless
the model was registered with other columns). Each app says in its `AppConfig.ready()` which rank its rows have. What
is checked here is the transaction and the order within a model; to go down the ranks is up to whoever writes a service.

The statements that lock by themselves follow the same order: the ledger's SQL functions (`credits/sql/`), which lock
wallets by id, and those of `usage/services/` that insert or update meter states by organization and meter.
"""

import enum
from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import models, transaction

Rows = TypeVar("Rows", bound="models.QuerySet[Any, Any]")


class Rank(enum.IntEnum):
    """Whoever holds a lock of one rank takes only those that stand below it here."""

    CATALOGUE = enum.auto()
    """Units, packs, meters, plans: locked while a change is published, which reaches organizations."""
    ORGANIZATION = enum.auto()
    """Also the guard of its members and subscriptions."""
    INVITATION = enum.auto()
    CUSTOMER = enum.auto()
    """An organization as Stripe knows it."""
    SUBSCRIPTION = enum.auto()
    PLAN_CHANGE = enum.auto()
    PURCHASE = enum.auto()
    """And what a recurring one bought."""
    REFUND = enum.auto()
    """And gift cards."""
    METER_STATE = enum.auto()
    """The guard of an organization's usage of one meter."""
    HOLD = enum.auto()
    ON_DEMAND = enum.auto()
    WALLET = enum.auto()
    USAGE_LINE = enum.auto()
    TOP_UP = enum.auto()
    """And the alerts of a wallet."""
    OUTBOX = enum.auto()
    """Events, emails, webhooks and their endpoints."""


class UnrankedModel(LookupError):
    """Rows of this model are locked, but no app said where in the order: a mistake in the program."""


_registered: dict[type[models.Model], tuple[Rank, tuple[str, ...]]] = {}


def register(rank: Rank, *rows_of: type[models.Model], by: Sequence[str] = ("pk",)) -> None:
    """Rows of these models are locked at `rank`, and those of one model in the order of the columns `by`.

    Raises ValueError for a model that was registered with another rank or order.
    """
    for model in rows_of:
        if _registered.setdefault(model, (rank, tuple(by))) != (rank, tuple(by)):
            raise ValueError(f"{model.__name__} is registered already, with another rank or order.")


def rank_of(model: type[models.Model]) -> Rank:
    """Raises UnrankedModel."""
    return _find(model)[0]


def for_update(rows: Rows, *, no_key: bool = False, skip_locked: bool = False, of: Sequence[str] = ()) -> Rows:
    """The same rows, locked when they are read, in their model's order.

    `no_key` takes FOR NO KEY UPDATE, which lets others insert rows that refer to these; else FOR UPDATE. With
    `skip_locked` rows that somebody holds are left out. `of` names the tables to lock where relations are joined,
    `("self",)` for the rows alone. The rows have to be chosen before: their order and number cannot be.

    Raises TransactionManagementError outside a transaction, where a lock would end at once; UnrankedModel.
    """
    _, order = _find(rows.model)
    if not transaction.get_connection(rows.db).in_atomic_block:
        raise transaction.TransactionManagementError(f"Rows of {rows.model.__name__} are locked in a transaction only.")
    return rows.order_by(*order).select_for_update(no_key=no_key, skip_locked=skip_locked, of=tuple(of))


def _find(model: type[models.Model]) -> tuple[Rank, tuple[str, ...]]:
    try:
        return _registered[model]
    except KeyError:
        raise UnrankedModel(f"No app registered at which rank rows of {model.__name__} are locked.") from None
