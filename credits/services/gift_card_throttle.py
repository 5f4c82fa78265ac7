"""How often somebody may try a gift card code that is not one."""

from django.core.cache import cache

from credits.errors import TooManyTries

TRIES = 10
WINDOW_SECONDS = 60 * 60


def refuse_after_too_many(*, tried_by: str, address: str) -> None:
    """Raises TooManyTries when this user or this address has failed ten times within an hour."""
    if any(failures >= TRIES for failures in cache.get_many(_keys(tried_by, address)).values()):
        raise TooManyTries("Too many codes that do not exist. Try again in an hour.", retry_after=WINDOW_SECONDS)


def count_failure(*, tried_by: str, address: str) -> None:
    for key in _keys(tried_by, address):
        # Not `incr`: in a cache that is a table of the database it would shorten the key's life.
        cache.set(key, cache.get(key, 0) + 1, WINDOW_SECONDS)


def _keys(tried_by: str, address: str) -> list[str]:
    return [f"gift-card-tries:{who}" for who in (tried_by, address) if who]
