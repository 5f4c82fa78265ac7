"""A database is about one Stripe account; a key of another is refused before anything is mixed up."""

import pytest
from celery.signals import worker_init
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from payments import health
from payments.apps import end_worker_of_wrong_account
from payments.checks import production_uses_stripe, stripe_key_is_well_formed, stripe_modes_are_not_mixed
from payments.errors import WrongAccount
from payments.models import StripeAccount
from payments.services import stripe_account

pytestmark = pytest.mark.django_db
OTHER_KEY = "sk_test_" + "another0" * 4


def verify():
    return stripe_account.verify(now=timezone.now())


def test_the_first_key_decides_which_account_it_is(sandbox):
    theirs = sandbox.client.v1.accounts.retrieve_current()
    assert verify().stripe_id == theirs.id
    assert StripeAccount.objects.get().livemode is False


def test_a_known_key_is_not_asked_about_again(sandbox):
    verify()
    sandbox.fault("down", times=99)
    assert verify().stripe_id == StripeAccount.objects.get().stripe_id


def test_another_key_of_the_same_account_is_fine(sandbox, settings):
    verify()
    before = StripeAccount.objects.get().key_fingerprint
    settings.STRIPE_SECRET_KEY = OTHER_KEY
    verify()
    assert StripeAccount.objects.get().key_fingerprint != before


def test_a_key_of_another_account_is_refused_with_the_way_out(sandbox, settings):
    StripeAccount.objects.create(stripe_id="acct_old", livemode=False, key_fingerprint="x", verified_at=timezone.now())
    with pytest.raises(WrongAccount, match=r"this database is about acct_old.*empty database"):
        stripe_account.refuse_wrong_account()
    for command in ("sync_catalog", "process_stripe_events", "reconcile_stripe"):
        with pytest.raises((WrongAccount, CommandError), match="acct_old"):
            call_command(command)
    assert end_worker_of_wrong_account in worker_init._live_receivers(None)
    with pytest.raises(SystemExit, match="acct_old"):
        end_worker_of_wrong_account()
    assert StripeAccount.objects.get().stripe_id == "acct_old"
    assert sandbox.client.v1.products.list().data == []
    assert health.account().ok is False


def test_a_portal_starts_while_stripe_is_down(sandbox):
    sandbox.fault("down", times=99)
    stripe_account.refuse_wrong_account()
    assert StripeAccount.objects.count() == 0


def test_readiness_says_whether_the_key_is_known(sandbox, settings):
    assert health.account().ok is True
    verify()
    assert health.account().ok is True
    settings.STRIPE_SECRET_KEY = OTHER_KEY
    assert health.account().ok is False


def test_there_is_only_one_account(sandbox):
    verify()
    with pytest.raises(IntegrityError, match="there_is_one_stripe_account"), transaction.atomic():
        StripeAccount.objects.create(
            id=2, stripe_id="acct_2", livemode=False, key_fingerprint="x", verified_at=timezone.now()
        )


@pytest.mark.parametrize("key", ["", "sk_test_", "sk_test_short", "pk_test_" + "a" * 24, "sk_test_" + "a" * 23 + "!"])
def test_a_malformed_key_is_an_error_of_the_system_check(settings, key):
    settings.STRIPE_SECRET_KEY = key
    assert [message.id for message in stripe_key_is_well_formed(None)] == ["payments.E001"]


@pytest.mark.parametrize("prefix", ["sk_test_", "sk_live_", "rk_test_", "rk_live_"])
def test_stripes_keys_are_well_formed(settings, prefix):
    settings.STRIPE_SECRET_KEY = prefix + "a1B2" * 8
    assert stripe_key_is_well_formed(None) == []


@pytest.mark.parametrize("sandbox_mode, base", [(True, "https://api.stripe.com"), (False, "http://127.0.0.1:12111")])
def test_mixed_modes_are_an_error_of_the_system_check(settings, sandbox_mode, base):
    settings.STRIPE_SANDBOX, settings.STRIPE_API_BASE = sandbox_mode, base
    assert [message.id for message in stripe_modes_are_not_mixed(None)] == ["payments.E002"]


def test_the_checks_call_nobody(sandbox):
    sandbox.fault("down", times=99)
    assert checks.run_checks(tags=["payments"]) == []


def test_a_deployment_on_the_sandbox_is_warned_about_unless_it_is_the_demo(settings):
    settings.STRIPE_SANDBOX, settings.DEMO = True, False
    assert [message.id for message in production_uses_stripe(None)] == ["payments.W001"]
    settings.DEMO = True
    assert production_uses_stripe(None) == []
