"""The account pages as people see them: accessible, in both themes, from 375 px up, and usable without JavaScript."""

import re

import pytest
from django.urls import reverse

from accounts.invitation_links import link_for
from accounts.models import ApiKey
from accounts.services.api_keys import create_api_key
from tests.factories import InvitationFactory

pytestmark = pytest.mark.browser
looks = pytest.mark.parametrize(("width", "scheme"), [(375, "light"), (375, "dark"), (1280, "light"), (1280, "dark")])


@pytest.fixture
def addresses(acme, alice, bob):
    """Every account page with something on it."""
    invitation = InvitationFactory(organization=acme, email="dora@acme.example", invited_by=alice)
    api_key = create_api_key(name="Backend, production", organization=acme, created_by=alice).api_key
    org = {"org_id": acme.public_id}
    return [
        reverse("accounts:team", kwargs=org),
        reverse("accounts:leave", kwargs=org),
        reverse("accounts:member_remove", kwargs=org | {"membership_id": acme.memberships.get(user=bob).public_id}),
        reverse("accounts:keys", kwargs=org),
        reverse("accounts:key_revoke", kwargs=org | {"key_id": api_key.public_id}),
        reverse("accounts:settings", kwargs=org),
        reverse("accounts:profile"),
        reverse("accounts:organization_create"),
        link_for(invitation).removeprefix("http://127.0.0.1:8000"),
    ]


@looks
def test_every_page_is_accessible(page_at, assert_accessible, addresses, alice, width, scheme):
    page = page_at(width, scheme, user=alice)
    for address in addresses:
        assert page.goto(address).status == 200
        assert_accessible(page)


@looks
def test_what_a_visitor_sees_of_an_invitation_is_accessible(page_at, assert_accessible, acme, alice, width, scheme):
    invitation = InvitationFactory(organization=acme, invited_by=alice)
    page = page_at(width, scheme)
    page.goto(link_for(invitation).removeprefix("http://127.0.0.1:8000"))
    assert_accessible(page)
    page.get_by_role("link", name="Create an account").click()
    assert page.get_by_label("Email").input_value() == invitation.email
    assert_accessible(page)


@pytest.mark.parametrize("javascript", [True, False])
def test_an_owner_makes_a_key_and_revokes_it(page_at, acme, alice, javascript):
    page = page_at(375, user=alice, javascript=javascript)
    page.goto(reverse("accounts:keys", kwargs={"org_id": acme.public_id}))
    page.get_by_text("No keys yet").wait_for()
    page.get_by_label("Name").fill("Backend")
    page.get_by_role("button", name="Make key").click()
    assert re.fullmatch(r"bpo_[\w-]{43}", page.locator("code").first.inner_text())
    page.get_by_role("link", name="I have copied it").click()
    page.get_by_role("link", name="Revoke Backend").click()
    page.get_by_role("button", name="Revoke key").click()
    page.get_by_text("“Backend” was revoked and no longer works.").wait_for()
    assert ApiKey.objects.get().revoked_at is not None
