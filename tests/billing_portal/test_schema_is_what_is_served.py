"""Schemathesis asks everything that the schema allows, and much that it does not; every answer must be the schema's.

All of its checks hold: no 5xx, no undocumented status, content type, header or body, good data accepted, bad data
refused; and every refusal is the one envelope.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck
from hypothesis import settings as effort
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.billing_portal.seeds import Seeds, plant

# The same requests at every run: what fails here fails for everybody.
HOSTILE = effort(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
FRIENDLY = effort(HOSTILE, max_examples=20)


def read_schema(*modes: GenerationMode) -> Any:
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", WSGIHandler())
    # NUL characters have tests of their own: where any JSON may stand, no schema can leave them out.
    schema.config.generation.update(modes=list(modes), allow_x00=False)
    return schema


hostile = read_schema(GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
friendly = read_schema(GenerationMode.POSITIVE)


@pytest.fixture(autouse=True)
def _requests_as_in_a_test_client(settings) -> Iterator[None]:
    """As Django's own test client does: requests leave the test's connection, and its transaction, open."""
    settings.API_RATE_PER_MINUTE = 60_000_000
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def seeds(request, sandbox, acme, prepared) -> Seeds:
    return plant(acme, prepared, sandbox if "/billing/" in request.node.name else None)


def check(case: Any, key: str, *, excluding: Any = ()) -> None:
    response = case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, excluded_checks=list(excluding))
    if response.status_code >= 400:
        error = response.json()["error"]
        assert set(error) == {"code", "message", "details"}
        assert error["code"] and error["message"]


@hostile.parametrize()
@HOSTILE
def test_whatever_is_asked_the_answer_is_the_schemas(case, service_key) -> None:
    # No signature that can be generated is Stripe's.
    unsigned = [positive_data_acceptance] if case.path == "/api/v1/webhooks/stripe" else []
    check(case, service_key, excluding=unsigned)


@friendly.parametrize()
@FRIENDLY
def test_what_the_schema_allows_about_things_that_exist(case, seeds, service_key) -> None:
    seeds.name_in(case)
    # About things that exist there are rules that no schema can state: a pack's price, a hold that has ended.
    check(case, service_key, excluding=[positive_data_acceptance])
