"""Lists are pages, newest first, stable while rows are added."""

import pytest

from tests.factories import OrganizationFactory


def test_pages_lead_through_everything_once_and_back(api, service_key):
    made = OrganizationFactory.create_batch(5)
    newest_first = [organization.public_id for organization in reversed(made)]
    client, seen, address = api(service_key), [], "/organizations?limit=2"
    while address:
        page = client.get(address).json()
        assert set(page) == {"results", "next", "previous"}
        seen += [organization["id"] for organization in page["results"]]
        OrganizationFactory()  # what is added meanwhile moves nothing
        previous, address = page["previous"], page["next"]
    assert seen == newest_first
    assert [row["id"] for row in client.get(previous).json()["results"]] == newest_first[2:4]


def test_an_empty_list_is_a_page_too(api, service_key):
    assert api(service_key).get("/organizations").json() == {"results": [], "next": None, "previous": None}


@pytest.mark.parametrize("limit", ["0", "-1", "201", "two", "1.5", "", "²", "9" * 5000])
def test_an_impossible_limit_is_refused(api, service_key, limit):
    answer = api(service_key).get("/organizations", {"limit": limit})
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]["fields"]) == ["limit"]


@pytest.mark.parametrize("cursor", ["nonsense", "cD1hYmM=", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk=", "é"])
def test_a_cursor_that_is_not_ours_is_refused(api, service_key, acme, cursor):
    answer = api(service_key).get("/organizations", {"cursor": cursor})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
