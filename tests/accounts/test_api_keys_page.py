"""The API keys page: made and shown once, listed without their text, revoked at once."""

import re

import pytest
from django.urls import reverse

from accounts.models import ApiKey


def url(name, organization, **kwargs):
    return reverse(f"accounts:{name}", kwargs={"org_id": organization.public_id, **kwargs})


def make(browser, acme, scope="write"):
    answer = browser.post(url("keys", acme), {"name": "Backend", "scope": scope})
    (secret,) = set(re.findall(r"bpo_[\w-]{43}", answer.content.decode()))
    return answer, secret


def test_an_owner_makes_a_key_and_sees_it_once(signed_in, alice, acme, api):
    browser = signed_in(alice)
    answer, secret = make(browser, acme)
    assert "no-store" in answer["Cache-Control"]
    assert api(secret).get(f"/organizations/{acme.public_id}").status_code == 200
    listing = browser.get(url("keys", acme)).content.decode()
    assert secret not in listing
    assert secret[:12] in listing
    api_key = ApiKey.objects.get()
    assert (api_key.kind, api_key.scope, api_key.created_by) == ("organization", "write", alice)


def test_a_key_is_revoked_after_a_second_look(signed_in, alice, acme, api):
    browser = signed_in(alice)
    _, secret = make(browser, acme)
    address = url("key_revoke", acme, key_id=ApiKey.objects.get().public_id)
    assert "stops working at once" in browser.get(address).content.decode()
    assert api(secret).get(f"/organizations/{acme.public_id}").status_code == 200
    browser.post(address)
    assert api(secret).get(f"/organizations/{acme.public_id}").status_code == 401
    assert secret[:12] not in browser.get(url("keys", acme)).content.decode()


def test_a_member_sees_no_keys(signed_in, bob, acme):
    assert signed_in(bob).get(url("keys", acme)).status_code == 403
    assert signed_in(bob).post(url("keys", acme), {"name": "Backend", "scope": "write"}).status_code == 403
    assert not ApiKey.objects.exists()


def test_keys_of_another_organization_are_out_of_reach(signed_in, alice, acme, charlie, globex, globex_key):
    foreign = ApiKey.objects.authenticate(globex_key)
    assert signed_in(alice).post(url("key_revoke", acme, key_id=foreign.public_id)).status_code == 404
    assert ApiKey.objects.authenticate(globex_key) == foreign


@pytest.mark.parametrize("data", [{"name": "", "scope": "read"}, {"name": "x", "scope": "all"}, {"name": "x" * 121}])
def test_an_impossible_key_is_refused_on_the_page(signed_in, alice, acme, data):
    answer = signed_in(alice).post(url("keys", acme), data)
    assert answer.status_code == 400
    assert not ApiKey.objects.exists()
