"""Where no view answers: a page for people, the error envelope for programs, and nothing of the inside for either."""

import pytest
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

import billing_portal.urls


def breaks(request: HttpRequest, how: str) -> HttpResponse:
    raise {"400": BadRequest("inside"), "403": PermissionDenied("inside"), "500": RuntimeError("inside")}[how]


urlpatterns = [
    path("break/<str:how>", breaks),
    path("api/v1/break/<str:how>", breaks),
    path("", include(billing_portal.urls)),
]
handler400 = billing_portal.urls.handler400
handler403 = billing_portal.urls.handler403
handler404 = billing_portal.urls.handler404
handler500 = billing_portal.urls.handler500


@pytest.fixture
def visitor(settings, db) -> Client:
    settings.ROOT_URLCONF = __name__
    return Client(raise_request_exception=False)


@pytest.mark.parametrize(("status", "code"), [(400, "malformed"), (403, "forbidden"), (500, "internal")])
def test_the_api_answers_with_its_envelope(visitor, status, code):
    response = visitor.get(f"/api/v1/break/{status}")

    assert response.status_code == status
    assert response.json()["error"]["code"] == code
    assert response.json()["error"]["details"] == {}
    assert b"inside" not in response.content


def test_an_unknown_api_path_answers_with_the_envelope_and_a_way_on(visitor):
    response = visitor.get("/api/v1/nothing-here")

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
    assert "/api/v1/schema/" in response.json()["error"]["message"]


@pytest.mark.parametrize("status", [400, 403, 500])
def test_people_get_a_page(visitor, status):
    response = visitor.get(f"/break/{status}")

    assert response.status_code == status
    assert response["Content-Type"].startswith("text/html")
    assert b"<h1" in response.content


def test_an_unknown_page_says_so_and_leads_home(visitor):
    response = visitor.get("/nothing-here")

    assert response.status_code == 404
    assert b"<h1" in response.content
    assert b'href="/"' in response.content


def test_a_broken_page_tells_nothing_of_the_inside(visitor):
    assert b"inside" not in visitor.get("/break/500").content


def test_crawlers_see_the_prices_only(client):
    assert client.get("/robots.txt").content.decode().splitlines()[1:] == ["Allow: /pricing", "Disallow: /"]


def test_the_favicon_is_ours(client):
    assert client.get("/favicon.ico")["Location"].endswith("/img/mark.svg")
