"""So many requests a minute per key (`API_RATE_PER_MINUTE`), in one burst or evenly.

GCRA (a token bucket that stores one number per key, the time at which the bucket is full again). With `REDIS_URL` all
processes share the buckets, in one round trip per request. Without it, or while Redis is down, each process keeps its
own in memory, so that an installation of n processes lets up to n times the rate through; the database cache would
cost more than most requests do.
"""

import functools
import logging
import threading
import time
from typing import TYPE_CHECKING

import redis
from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core.api.caller import caller_of

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it imports this module, which the settings name

logger = logging.getLogger(__name__)

TAKE_FROM_REDIS = """
local interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local wait = full_at - now - tolerance
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%d', full_at + interval), 'PX', math.ceil((full_at + interval - now) / 1000))
return 0
"""


class LocalBuckets:
    """One process's buckets. Times are microseconds of the monotonic clock."""

    def __init__(self) -> None:
        self._full_at: dict[int, int] = {}
        self._lock = threading.Lock()

    def take(self, key: int, *, interval: int, tolerance: int) -> int:
        """Take one request. Zero when it may pass, else the microseconds until the next one may."""
        now = time.monotonic_ns() // 1000
        with self._lock:
            full_at = max(self._full_at.get(key, 0), now)
            wait = full_at - now - tolerance
            if wait > 0:
                return wait
            self._full_at[key] = full_at + interval
            return 0

    def clear(self) -> None:
        with self._lock:
            self._full_at.clear()


class RedisBuckets:
    """Buckets shared by all processes."""

    def __init__(self, url: str) -> None:
        client = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
        self._take = client.register_script(TAKE_FROM_REDIS)

    def take(self, key: int, *, interval: int, tolerance: int) -> int:
        """As `LocalBuckets.take`. Raises redis.RedisError when Redis does not answer."""
        return int(self._take(keys=[f"api-rate:{key}"], args=[interval, tolerance]))


local_buckets = LocalBuckets()


@functools.cache
def redis_buckets(url: str) -> RedisBuckets:
    return RedisBuckets(url)


def take(key: int, *, per_minute: int) -> int:
    """Take one request from the bucket of `key`; zero, or the microseconds to wait."""
    interval = 60_000_000 // per_minute
    tolerance = interval * (per_minute - 1)
    if settings.REDIS_URL:
        try:
            return redis_buckets(settings.REDIS_URL).take(key, interval=interval, tolerance=tolerance)
        except redis.RedisError:
            logger.warning("Redis does not answer; this process limits API rates by itself", exc_info=True)
    return local_buckets.take(key, interval=interval, tolerance=tolerance)


class PerKeyThrottle(BaseThrottle):
    """Answers 429 with `Retry-After` beyond the rate. Only public views (the schema) are asked without a key."""

    _wait_microseconds = 0

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if request.auth is None:
            return True
        self._wait_microseconds = take(caller_of(request), per_minute=settings.API_RATE_PER_MINUTE)
        return self._wait_microseconds == 0

    def wait(self) -> float:
        """Whole seconds, at least one: a client that waits this long passes."""
        return max(1, -(-self._wait_microseconds // 1_000_000))
