"""Each key may ask so often a minute, and is told how long to wait."""

import uuid

import pytest

from accounts.services.api_keys import create_api_key
from core.api import throttling
from core.api.throttling import LocalBuckets, RedisBuckets

SECOND = 1_000_000


@pytest.fixture(autouse=True)
def empty_buckets():
    throttling.local_buckets.clear()


def test_beyond_the_rate_the_answer_is_429_with_retry_after(api, service_key, acme_key, settings):
    settings.API_RATE_PER_MINUTE = 3
    answers = [api(service_key).get("/organizations") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["error"]["code"] == "rate_limited"
    assert 1 <= int(answers[-1]["Retry-After"]) <= 20
    assert api(acme_key).get("/organizations").status_code == 200


def test_what_is_public_needs_no_key(api, db):
    assert api(None).get("/schema/").status_code == 200


def test_the_bucket_fills_evenly(monkeypatch):
    now = [0]
    monkeypatch.setattr(throttling.time, "monotonic_ns", lambda: now[0] * 1000)
    buckets = LocalBuckets()
    a_second_each = {"interval": SECOND, "tolerance": 2 * SECOND}
    now[0] = 10 * SECOND
    assert [buckets.take(1, **a_second_each) for _ in range(4)] == [0, 0, 0, SECOND]
    now[0] += SECOND
    assert [buckets.take(1, **a_second_each) for _ in range(2)] == [0, SECOND]
    now[0] += 100 * SECOND
    assert [buckets.take(1, **a_second_each) for _ in range(4)] == [0, 0, 0, SECOND]


@pytest.mark.redis
def test_all_processes_share_the_buckets_in_redis(redis_url):
    one, other, key = RedisBuckets(redis_url), RedisBuckets(redis_url), uuid.uuid4().int >> 64
    ten_minutes_each = {"interval": 600 * SECOND, "tolerance": 600 * SECOND}
    assert one.take(key, **ten_minutes_each) == 0
    assert other.take(key, **ten_minutes_each) == 0
    assert 0 < one.take(key, **ten_minutes_each) <= 600 * SECOND
    assert 0 < other.take(key, **ten_minutes_each) <= 600 * SECOND


@pytest.mark.redis
def test_the_api_uses_redis_when_there_is_one(api, db, settings, redis_url):
    settings.REDIS_URL, settings.API_RATE_PER_MINUTE = redis_url, 2
    secret = create_api_key(name="Backend").secret
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(throttling, "local_buckets", None)
        statuses = [api(secret).get("/organizations").status_code for _ in range(3)]
    assert statuses[-1] == 429


def test_while_redis_is_down_each_process_limits_by_itself(api, service_key, settings):
    settings.REDIS_URL, settings.API_RATE_PER_MINUTE = "redis://127.0.0.1:1/0", 2
    assert [api(service_key).get("/organizations").status_code for _ in range(3)] == [200, 200, 429]
