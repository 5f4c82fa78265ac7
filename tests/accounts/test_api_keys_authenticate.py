"""`Authorization: Bearer <key>`: who gets in, how far the key reaches, and what its scope allows."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ApiKey, Organization
from accounts.services.api_keys import create_api_key, revoke_api_key

NEW = {"name": "Initech", "email": "billing@initech.example"}


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer \xe9\xe8", ""])
def test_without_a_good_key_the_answer_is_401_in_the_envelope(api, acme, header):
    client = api(None)
    if header is not None:
        client.credentials(HTTP_AUTHORIZATION=header)
    answer = client.get(f"/organizations/{acme.public_id}")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "not_authenticated"
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_service_key_reaches_every_organization(api, service_key, acme, globex):
    for organization in (acme, globex):
        answer = api(service_key).get(f"/organizations/{organization.public_id}")
        assert answer.status_code == 200
        assert answer.json()["id"] == organization.public_id


def test_an_organization_key_reaches_only_its_own(api, acme_key, acme, globex):
    assert api(acme_key).get(f"/organizations/{acme.public_id}").json()["name"] == "Acme"
    foreign = api(acme_key).get(f"/organizations/{globex.public_id}")
    unknown = api(acme_key).get("/organizations/org_doesnotexist")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json() == unknown.json()


def test_a_read_key_may_not_write(api, acme):
    reader = create_api_key(name="Reader", scope=ApiKey.Scope.READ).secret
    before = Organization.objects.count()
    answer = api(reader).post("/organizations", NEW)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert api(reader).get(f"/organizations/{acme.public_id}").status_code == 200
    assert Organization.objects.count() == before


def test_only_a_service_key_makes_organizations(api, acme_key):
    before = Organization.objects.count()
    answer = api(acme_key).post("/organizations", NEW)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert Organization.objects.count() == before


def test_a_revoked_key_stops_at_once(api, service_key, acme):
    assert api(service_key).get(f"/organizations/{acme.public_id}").status_code == 200
    revoke_api_key(api_key=ApiKey.objects.authenticate(service_key))
    assert api(service_key).get(f"/organizations/{acme.public_id}").status_code == 401


def test_the_text_of_a_key_is_nowhere_in_the_database(acme):
    api_key, secret = create_api_key(name="Backend", organization=acme)
    stored = ApiKey.objects.values().get(pk=api_key.pk)
    assert len(secret) >= 43 + 4
    assert secret.startswith(stored["prefix"])
    assert all(secret not in str(value) for value in stored.values())


def test_last_used_is_kept_to_the_minute(api, service_key, django_assert_num_queries, time_machine):
    start = timezone.now().replace(microsecond=0)
    time_machine.move_to(start, tick=False)
    with django_assert_num_queries(3):  # the key, its last use, the organizations
        api(service_key).get("/organizations")
    time_machine.move_to(start + timedelta(seconds=59), tick=False)
    with django_assert_num_queries(2):
        api(service_key).get("/organizations")
    assert ApiKey.objects.get().last_used_at == start
    later = start + timedelta(seconds=60)
    time_machine.move_to(later, tick=False)
    api(service_key).get("/organizations")
    assert ApiKey.objects.get().last_used_at == later
