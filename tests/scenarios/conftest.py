"""The stage of the scenarios about plans: everything the portal consists of, and one clock."""

from collections.abc import Iterator

import pytest

from tests.plans.conftest import CATALOGUE, LONG_AGO
from tests.plans.stage import Stage
from tests.scenarios.customer import Customer
from tests.scenarios.usage_shop import Backend


@pytest.fixture
def stage(sandbox, acme, django_capture_on_commit_callbacks, prepared) -> Iterator[Stage]:
    with Stage(sandbox, acme, django_capture_on_commit_callbacks, prepared=prepared) as ready:
        ready.sell(CATALOGUE, since=LONG_AGO)
        yield ready


@pytest.fixture
def backend(api, service_key, acme) -> Backend:
    return Backend(api(service_key), acme)


@pytest.fixture
def customer(stage, alice, signed_in) -> Customer:
    return Customer(stage, lambda: signed_in(alice))
