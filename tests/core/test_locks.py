"""Rows are locked in one order, in a transaction, and in one place of the code."""

from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Invitation, Membership, Organization
from core import locks
from core.locks import Rank, UnrankedModel, for_update
from credits.models import Wallet
from notifications.models import WebhookDelivery
from tests.factories import OrganizationFactory
from usage.models import MeterState

ROOT = Path(__file__).parents[2]


def sql_of(rows):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        list(rows)
    [query] = queries
    return query["sql"]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_locked_outside_a_transaction():
    with pytest.raises(transaction.TransactionManagementError, match="Organization"):
        for_update(Organization.objects.all())


@pytest.mark.django_db
def test_rows_are_locked_in_the_order_of_their_ids_whatever_order_they_come_in():
    made = [OrganizationFactory(name=name).pk for name in ("Zebra", "Aardvark", "Mongoose")]
    rows = Organization.objects.filter(pk__in=made).order_by("name")
    assert [organization.pk for organization in for_update(rows)] == sorted(made)
    assert sql_of(for_update(rows)).endswith('ORDER BY "accounts_organization"."id" ASC FOR UPDATE')


@pytest.mark.django_db
def test_meter_states_are_locked_in_the_order_of_the_statements_that_write_them():
    order = 'ORDER BY "usage_meterstate"."organization_id" ASC, "usage_meterstate"."meter_id" ASC FOR NO KEY UPDATE'
    assert sql_of(for_update(MeterState.objects.all(), no_key=True)).endswith(order)


@pytest.mark.django_db
def test_a_caller_chooses_how_hard_to_lock_and_what():
    assert sql_of(for_update(Wallet.objects.all(), no_key=True)).endswith("FOR NO KEY UPDATE")
    waiting = WebhookDelivery.objects.select_related("event")
    assert sql_of(for_update(waiting, skip_locked=True, of=("self",))).endswith(
        'FOR UPDATE OF "notifications_webhookdelivery" SKIP LOCKED'
    )


@pytest.mark.django_db
def test_rows_without_a_rank_are_not_locked():
    with pytest.raises(UnrankedModel, match="Membership"):
        for_update(Membership.objects.all())


def test_a_model_has_one_rank_and_one_order():
    locks.register(Rank.ORGANIZATION, Organization)
    with pytest.raises(ValueError, match="Organization"):
        locks.register(Rank.WALLET, Organization)
    with pytest.raises(ValueError, match="Organization"):
        locks.register(Rank.ORGANIZATION, Organization, by=["name"])
    assert locks.rank_of(Organization) == Rank.ORGANIZATION


def test_every_rank_has_rows():
    ranks = {locks.rank_of(model) for model in apps.get_models() if _is_ranked(model)}
    assert ranks == set(Rank)


def test_locks_are_taken_in_the_order_in_which_the_guards_stand():
    order = [Organization, Invitation, MeterState, Wallet, WebhookDelivery]
    assert sorted(order, key=locks.rank_of) == order


def test_select_for_update_stands_in_one_module():
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name not in ("tests", "var", ".venv")]
    modules = [module for folder in folders for module in folder.rglob("*.py")]
    named = [module for module in modules if "select_for_update" in module.read_text()]
    assert [str(module.relative_to(ROOT)) for module in named] == ["core/locks.py"]


def _is_ranked(model: type[models.Model]) -> bool:
    try:
        locks.rank_of(model)
    except UnrankedModel:
        return False
    return True
