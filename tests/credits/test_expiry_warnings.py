"""`credits.expiring`: 30 days ahead and 7, once each, about what is left and for as long as there is time to use it."""

from datetime import timedelta

import pytest

from credits.services.expiry import warn_of_expiry
from credits.services.grants import freeze
from notifications.models import Event
from tests.credits.wallet_driver import WalletDriver

DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)


def warned(grant, *, days_left: float, earlier: timedelta = timedelta()):
    """Of whose grants is warned so many days before this one ends, or a moment earlier."""
    return warn_of_expiry(now=grant.expires_at - days_left * DAY - earlier)


def said():
    return [(event.data["days"], event.data["amount"]) for event in Event.objects.order_by("pk")]


@pytest.mark.parametrize(
    ("days_left", "early", "days"),
    [
        (30, INSTANT, []),
        (30, 0 * INSTANT, [30]),
        (8, 0 * INSTANT, [30]),
        (7, INSTANT, [30]),
        (7, 0 * INSTANT, [7]),
        (0, INSTANT, [7]),
        (0, 0 * INSTANT, []),
    ],
)
def test_each_warning_has_its_time(usd_wallet: WalletDriver, days_left, early, days):
    grant = usd_wallet.grant("10", days=60)
    found = warned(grant, days_left=days_left, earlier=early)
    assert found == [grant] * len(days)
    assert said() == [(one, "10") for one in days]


def test_each_is_given_once_with_what_is_left_then(usd_wallet: WalletDriver):
    grant = usd_wallet.grant("10", days=60)
    for days_left in (29, 28):
        warned(grant, days_left=days_left)
    usd_wallet.spend("4")
    usd_wallet.hold("1.5")
    for days_left in (6, 5):
        warned(grant, days_left=days_left)
    assert said() == [(30, "10"), (7, "4.5")]
    event = Event.objects.latest("pk")
    assert event.data == {
        "grant": grant.public_id,
        "unit": "usd",
        "amount": "4.5",
        "expires_at": grant.expires_at.isoformat(),
        "days": 7,
    }


@pytest.mark.parametrize(
    ("lives", "at", "days"), [(30, 29, []), (30.001, 29, [30]), (7, 6, []), (7.001, 6, [7]), (20, 6, [7])]
)
def test_what_was_given_for_less_time_is_not_warned_of_at_once(usd_wallet: WalletDriver, lives, at, days):
    warned(usd_wallet.grant("10", days=lives), days_left=at)
    assert [one for one, _ in said()] == days


def test_what_cannot_be_used_or_never_ends_is_not_warned_of(usd_wallet: WalletDriver):
    usd_wallet.grant("1", days=None)
    used, held, frozen = (usd_wallet.grant("2", days=days) for days in (40, 41, 42))
    usd_wallet.spend("2")
    usd_wallet.hold("2")
    freeze(grant=frozen, now=usd_wallet.now)
    for grant in (used, held, frozen):
        assert warned(grant, days_left=20) == []
    assert said() == []
