"""What a load balancer and a person on call learn from /healthz and /readyz."""

import pytest
from django.db import connection

from core import health
from core.health import Health
from tests.billing_portal.processes import run_manage


@pytest.fixture
def only_checks(monkeypatch):
    """Replace the registered checks for one test."""

    def use(**checks):
        monkeypatch.setattr("billing_portal.views.health.checks", checks)

    return use


def test_liveness_touches_nothing(client, django_assert_num_queries):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "ensure_connection", lambda: pytest.fail("the database was asked"))
        response = client.get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok\n")
    assert "no-store" in response["Cache-Control"]


def test_readiness_names_the_database_the_cache_and_the_broker(client, db):
    body = client.get("/readyz").json()

    assert body["checks"]["database"]["detail"].startswith("PostgreSQL 1")
    assert body["checks"]["cache"] == {"ok": True, "detail": "answers"}
    assert body["checks"]["broker"]["ok"] is True


def test_ready_when_every_check_is_well(client, only_checks):
    only_checks(one=lambda: Health(ok=True, detail="fine"))

    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {"ok": True, "checks": {"one": {"ok": True, "detail": "fine"}}}


def test_one_failing_check_makes_the_instance_unready_and_is_named(client, only_checks):
    only_checks(
        one=lambda: Health(ok=True, detail="fine"), inbox=lambda: Health(ok=False, detail="oldest event is 2 h old")
    )

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["ok"] is False
    assert response.json()["checks"]["inbox"] == {"ok": False, "detail": "oldest event is 2 h old"}


def test_a_check_that_breaks_counts_as_failed_and_tells_strangers_nothing(client, only_checks, caplog):
    def breaks() -> Health:
        raise ConnectionError("password=hunter2 host=10.0.0.7")

    only_checks(database=breaks)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["checks"]["database"]["detail"] == "failed: ConnectionError; see the log"
    assert b"hunter2" not in response.content


def test_an_unreachable_broker_is_unready_and_named():
    asks = (
        "from django.test import Client; answer = Client(headers={'host': 'localhost'}).get('/readyz');"
        "print(answer.status_code, answer.json()['checks']['broker'])"
    )

    done = run_manage("shell", "--no-imports", "-c", asks, DEBUG="1", REDIS_URL="redis://127.0.0.1:1/0")

    assert done.stdout.startswith("503 {'ok': False, 'detail': 'failed: "), done.stderr


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_only_read(client, path):
    assert client.post(path).status_code == 405


def test_the_ages_that_matter_are_watched():
    assert {"database", "cache", "broker"} <= set(health.checks)
