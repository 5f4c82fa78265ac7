"""The stage of the scenarios about plans: everything the portal consists of, and one clock."""

from collections.abc import Iterator

import pytest

from payments.catalogue_file import load
from tests.plans.conftest import CATALOGUE, LONG_AGO
from tests.plans.stage import Stage
from tests.scenarios.customer import Customer
from tests.scenarios.usage_shop import Backend


@pytest.fixture
def stage(sandbox, acme, django_capture_on_commit_callbacks, prepared) -> Iterator[Stage]:
    def put_on_sale() -> None:
        load(text=CATALOGUE, now=LONG_AGO)
        ready.sync_catalogue()

    with Stage(sandbox, acme, django_capture_on_commit_callbacks) as ready:
        prepared("scenarios", "on sale", make=put_on_sale, sandbox=sandbox)
        yield ready


@pytest.fixture
def backend(api, service_key, acme) -> Backend:
    return Backend(api(service_key), acme)


@pytest.fixture
def customer(stage, alice, signed_in) -> Customer:
    return Customer(stage, lambda: signed_in(alice))
