"""Stripe's webhook signature. https://docs.stripe.com/webhooks#verify-manually"""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta

# Stripe signs anew for every attempt, so an old signature is a replay and a far-off clock is somebody's mistake.
TOLERANCE = timedelta(minutes=5)


class BadSignature(Exception):
    """Missing, malformed, or not made with any of our secrets."""


class StaleSignature(Exception):
    """Genuine, but made too long ago (or too far ahead)."""


def verify(*, body: bytes, header: str, secrets: Iterable[str], now: datetime) -> None:
    """Raises `BadSignature` or `StaleSignature`. Compares in constant time; any of several secrets will do, so that
    one can be rolled without losing events.
    """
    timestamp, signatures = _parse(header)
    signed = b"%d." % timestamp + body
    expected = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets if secret]
    if not any(hmac.compare_digest(given, wanted) for given in signatures for wanted in expected):
        raise BadSignature
    if abs(now.timestamp() - timestamp) > TOLERANCE.total_seconds():
        raise StaleSignature


def _parse(header: str) -> tuple[int, list[str]]:
    """The time and the `v1` signatures of `t=1492774577,v1=5257…,v1=…`."""
    pairs = [part.partition("=")[::2] for part in header.split(",")]
    times = [value for name, value in pairs if name.strip() == "t"]
    signatures = [value for name, value in pairs if name.strip() == "v1" and value.isascii()]
    if len(times) != 1 or not times[0].isdecimal() or len(times[0]) > 12 or not signatures:
        raise BadSignature
    return int(times[0]), signatures
