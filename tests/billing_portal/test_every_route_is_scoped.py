"""What belongs to an organization is closed to everybody else, on every address there is (`routes.py` lists them)."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import Organization
from tests.billing_portal.belongings import Parameters, nothing, the_catalogue
from tests.billing_portal.routes import API, BRANCHES, OPEN, PAGES

API_PREFIX = "api/v1/"
CALLS = [(route, call) for route, calls in API.items() for call in calls]
PAGES_OF_AN_OBJECT = [name for name, parameters in PAGES.items() if parameters is not nothing]
pages = pytest.mark.parametrize("name", PAGES)
calls = pytest.mark.parametrize(("route", "call"), CALLS, ids=[f"{call.method} {route}" for route, call in CALLS])


def routes(resolver: URLResolver, prefix: str = "", namespace: str = "") -> Iterator[tuple[str, str]]:
    """Every route as `(address pattern, name)`."""
    for entry in resolver.url_patterns:
        address = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield address, f"{namespace}{entry.name}"
        else:
            yield from routes(entry, address, f"{namespace}{entry.namespace}:" if entry.namespace else namespace)


def all_routes() -> list[tuple[str, str]]:
    return [(address, name) for address, name in routes(get_resolver()) if not address.startswith(BRANCHES)]


def test_every_route_is_listed():
    unlisted = [
        (address, name)
        for address, name in all_routes()
        if address not in OPEN and name not in PAGES and address.removeprefix(API_PREFIX) not in API
    ]
    assert unlisted == [], "list it in tests/billing_portal/routes.py: in PAGES, API or, with a reason, OPEN"


def test_no_listed_route_is_gone():
    addresses = {address for address, _ in all_routes()}
    names = {name for _, name in all_routes()}
    assert set(PAGES) <= names
    assert {API_PREFIX + route for route in API} <= addresses
    assert set(OPEN) - {"styleguide/"} <= addresses  # the style guide is there in development only


def test_pages_of_an_organization_stand_under_its_address():
    assert {address for address, name in all_routes() if "<str:org_id>" in address and name not in PAGES} == set()
    assert all(address.startswith("o/<str:org_id>/") for address, name in all_routes() if name in PAGES)


def address_of(name: str, organization: Organization, parameters: Parameters) -> str:
    in_query = {key[1:]: value for key, value in parameters.items() if key.startswith("?")}
    in_path = {key: value for key, value in parameters.items() if not key.startswith("?")}
    return f"{reverse(name, kwargs={'org_id': organization.public_id, **in_path})}?{urlencode(in_query)}"


def statuses(browser: Client, address: str) -> set[int]:
    return {browser.get(address).status_code, browser.post(address).status_code}


@pytest.fixture(autouse=True)
def catalogue(db):
    the_catalogue()


@pages
def test_a_stranger_gets_404_on_every_page(name, acme, globex, charlie, signed_in):
    address = address_of(name, acme, PAGES[name](acme))
    assert 404 in statuses(signed_in(charlie), address)
    assert statuses(signed_in(charlie), address) <= {404, 405}


@pytest.mark.parametrize("name", PAGES_OF_AN_OBJECT)
def test_what_is_acmes_is_not_found_under_globex(name, acme, globex, charlie, signed_in):
    address = address_of(name, globex, PAGES[name](acme))
    assert 404 in statuses(signed_in(charlie), address)
    assert statuses(signed_in(charlie), address) <= {404, 405}


@pages
def test_a_visitor_is_sent_to_sign_in(name, acme):
    address = address_of(name, acme, PAGES[name](acme))
    for answer in (Client().get(address), Client().post(address)):
        assert answer.status_code == 405 or answer["Location"].startswith(reverse("account_login"))


@pages
def test_the_owner_gets_an_answer(name, acme, alice, signed_in, sandbox):
    address = address_of(name, acme, PAGES[name](acme))
    assert signed_in(alice).get(address).status_code != 404


@calls
def test_another_organizations_key_gets_404(route, call, api, acme, acme_key, globex_key):
    answer = getattr(api(globex_key), call.method)(call.address(acme), call.body(acme) or None)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@calls
def test_its_own_key_gets_an_answer(route, call, api, acme, acme_key):
    answer = getattr(api(acme_key), call.method)(call.address(acme), call.body(acme) or None)
    assert answer.status_code not in {404, 405}


@calls
def test_no_key_gets_401(route, call, api, acme):
    answer = getattr(api(None), call.method)(call.address(acme), call.body(acme) or None)
    assert answer.status_code == 401
