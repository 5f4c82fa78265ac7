"""The cast and the stage.

Alice owns acme, Bob is a member of it, Charlie owns globex and must see nothing of acme. Stella is staff with every
permission, Sven is staff with none.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from django.core.cache import cache
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from accounts.models import ApiKey, Organization, Role, User
from accounts.services.api_keys import create_api_key
from billing_portal.celery import app as celery_app
from tests import flush
from tests.api_client import KeyedClient
from tests.factories import MembershipFactory, OrganizationFactory, UserFactory

pytest_plugins = [
    "tests.plugins_database",
    "tests.plugins_receiver",
    "tests.plugins_run",
    "tests.plugins_services",
    "tests.plugins_stripe",
    "tests.plugins_prepared",
]


def pytest_configure() -> None:
    celery_app.conf.update(task_always_eager=True, task_eager_propagates=True)
    flush.install()
    # A busy machine is no fault of what is tested.
    patient = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    hypothesis_settings.register_profile("patient", parent=hypothesis_settings(), **patient)
    hypothesis_settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    yield
    cache.clear()


@pytest.fixture
def now() -> datetime:
    """A quiet Monday noon, for services that take `now`."""
    return datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


@pytest.fixture
def alice(db, prepared) -> User:
    prepared("alice", make=lambda: UserFactory(email="alice@acme.example", name="Alice"))
    return User.objects.get(email="alice@acme.example")


@pytest.fixture
def bob(db, prepared) -> User:
    prepared("bob", make=lambda: UserFactory(email="bob@acme.example", name="Bob"))
    return User.objects.get(email="bob@acme.example")


@pytest.fixture
def charlie(db) -> User:
    return UserFactory(email="charlie@globex.example", name="Charlie")


@pytest.fixture
def stella(db) -> User:
    return UserFactory(email="stella@portal.example", name="Stella", is_staff=True, is_superuser=True)


@pytest.fixture
def sven(db) -> User:
    return UserFactory(email="sven@portal.example", name="Sven", is_staff=True)


@pytest.fixture
def acme(alice, bob, prepared) -> Organization:
    """The same rows in every test, members included: what was prepared for acme once fits every time."""

    def make() -> None:
        organization = OrganizationFactory(name="Acme", email="billing@acme.example", external_id="acme-1")
        MembershipFactory(organization=organization, user=alice, role=Role.OWNER)
        MembershipFactory(organization=organization, user=bob, role=Role.MEMBER)

    prepared("acme", make=make)
    return Organization.objects.get(external_id="acme-1")


@pytest.fixture
def globex(charlie) -> Organization:
    organization = OrganizationFactory(name="Globex", email="billing@globex.example", external_id="globex-1")
    MembershipFactory(organization=organization, user=charlie, role=Role.OWNER)
    return organization


@pytest.fixture
def service_key(db) -> str:
    return create_api_key(name="Product backend").secret


@pytest.fixture
def acme_key(acme) -> str:
    return create_api_key(name="Acme's backend", organization=acme, scope=ApiKey.Scope.WRITE).secret


@pytest.fixture
def acme_read_key(acme) -> str:
    return create_api_key(name="Acme's dashboard", organization=acme, scope=ApiKey.Scope.READ).secret


@pytest.fixture
def globex_key(globex) -> str:
    return create_api_key(name="Globex's backend", organization=globex, scope=ApiKey.Scope.WRITE).secret


@pytest.fixture
def api() -> Callable[[str | None], KeyedClient]:
    """`api(acme_key).post("/holds", {…})`; `api(None)` sends no key."""
    return KeyedClient


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """`signed_in(alice).get(…)`: a browser of that person."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in
