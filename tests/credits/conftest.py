"""Units, and the shorthand of the ledger's tests."""

from functools import partial

import pytest

from accounts.models import Organization
from credits.models import Unit
from tests.credits.wallet_driver import WalletDriver


@pytest.fixture
def usd(db) -> Unit:
    return Unit.objects.create(code="usd", name="US dollar credits", currency="usd", step="0.01", reserve_floor="5")


@pytest.fixture
def sessions(db) -> Unit:
    return Unit.objects.create(code="sessions", name="sessions")


@pytest.fixture
def usd_wallet(acme: Organization, usd: Unit, now) -> WalletDriver:
    """Acme's usd credits."""
    return WalletDriver(acme, usd, now)


@pytest.fixture
def commits(django_capture_on_commit_callbacks):
    """`with commits():` what happens inside is committed at its end."""
    return partial(django_capture_on_commit_callbacks, execute=True)
