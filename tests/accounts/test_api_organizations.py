"""Organizations over the API."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import Organization

NEW = {"name": "Initech", "email": "Billing@Initech.example", "external_id": "initech-7"}


def test_an_organization_is_made_and_read_back(api, service_key):
    made = api(service_key).post("/organizations", NEW)
    assert made.status_code == 201
    body = made.json()
    assert body["id"].startswith("org_")
    assert (body["name"], body["email"], body["external_id"]) == ("Initech", "billing@initech.example", "initech-7")
    assert body["suspended_at"] is None
    assert body["created_at"].endswith("Z")
    assert api(service_key).get(f"/organizations/{body['id']}").json() == body


def test_the_same_external_id_returns_the_first(api, service_key):
    first = api(service_key).post("/organizations", NEW)
    second = api(service_key).post("/organizations", {**NEW, "name": "Other", "email": "other@initech.example"})
    assert (second.status_code, second.json()) == (201, first.json())
    assert Organization.objects.count() == 1


def test_external_ids_find_organizations_within_reach(api, service_key, acme_key, acme, globex):
    found = api(service_key).get("/organizations?external_id=globex-1").json()
    assert [organization["id"] for organization in found["results"]] == [globex.public_id]
    assert api(service_key).get("/organizations?external_id=nobody").json()["results"] == []
    assert api(acme_key).get("/organizations?external_id=globex-1").json()["results"] == []
    assert [row["id"] for row in api(acme_key).get("/organizations").json()["results"]] == [acme.public_id]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "x" * 1_000_000 + "\n"}, "name"),
        ({"name": None}, "name"),
        ({"email": "nobody"}, "email"),
        ({"email": 7}, "email"),
        ({"external_id": ""}, "external_id"),
        ({"external_id": "x" * 256}, "external_id"),
        ({"plan": "pro"}, "plan"),
        ({"id": "org_mine"}, "id"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(api, service_key, change, field):
    answer = api(service_key).post("/organizations", {**NEW, **change})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "invalid"
    assert list(error["details"]["fields"]) == [field]
    assert field in error["message"]
    assert not Organization.objects.exists()


def test_everything_wrong_is_named_at_once(api, service_key):
    answer = api(service_key).post("/organizations", {"email": "nobody", "plan": "pro"})
    assert set(answer.json()["error"]["details"]["fields"]) == {"name", "email", "plan"}


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_with_one_external_id_make_one_organization(api, service_key, sandbox):
    start = Barrier(8)

    def one_of_eight(_):
        start.wait()
        try:
            return api(service_key).post("/organizations", NEW)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one_of_eight, range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["id"] for answer in answers} == {Organization.objects.get().public_id}
