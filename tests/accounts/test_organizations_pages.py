"""Settings, another organization, the profile, and where the home page leads."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Organization, Role
from tests.factories import MembershipFactory


def settings_url(organization):
    return reverse("accounts:settings", kwargs={"org_id": organization.public_id})


def test_visitors_are_led_to_the_prices(db):
    assert Client().get("/")["Location"] == reverse("pricing")


def test_home_is_where_one_was_last(signed_in, alice, acme, globex):
    MembershipFactory(organization=globex, user=alice)
    browser = signed_in(alice)
    assert browser.get("/")["Location"] == acme.get_absolute_url()
    browser.get(reverse("accounts:team", kwargs={"org_id": globex.public_id}))
    assert browser.get("/")["Location"] == globex.get_absolute_url()
    globex.memberships.get(user=alice).delete()
    assert browser.get("/")["Location"] == acme.get_absolute_url()


def test_an_owner_changes_name_and_billing_address(signed_in, alice, acme):
    answer = signed_in(alice).post(settings_url(acme), {"name": "  Acme\n Ltd ", "email": "Pay@Acme.example"})
    assert answer.status_code == 302
    acme.refresh_from_db()
    assert (acme.name, acme.email) == ("Acme Ltd", "pay@acme.example")


@pytest.mark.parametrize(("role", "status"), [(Role.BILLING_ADMIN, 200), (Role.MEMBER, 403)])
def test_settings_take_a_role(signed_in, bob, acme, role, status):
    acme.memberships.filter(user=bob).update(role=role)
    assert signed_in(bob).get(settings_url(acme)).status_code == status


@pytest.mark.parametrize("data", [{"name": "", "email": "a@b.example"}, {"name": "Acme", "email": "nobody"}, {}])
def test_unusable_settings_change_nothing(signed_in, alice, acme, data):
    assert signed_in(alice).post(settings_url(acme), data).status_code in {200, 400}
    acme.refresh_from_db()
    assert (acme.name, acme.email) == ("Acme", "billing@acme.example")


def test_another_organization_makes_one_its_owner(signed_in, bob, acme):
    answer = signed_in(bob).post(
        reverse("accounts:organization_create"), {"name": "Bob's own", "email": "bob@acme.example"}
    )
    made = Organization.objects.get(name="Bob's own")
    assert answer["Location"] == made.get_absolute_url()
    assert made.memberships.get().role == Role.OWNER
    assert made.memberships.get().user == bob


def test_the_profile_lists_ones_organizations_and_changes_the_name(signed_in, bob, acme, globex):
    browser = signed_in(bob)
    page = browser.get(reverse("accounts:profile")).content.decode()
    assert "Acme" in page
    assert "Globex" not in page
    browser.post(reverse("accounts:profile"), {"name": "Robert"})
    bob.refresh_from_db()
    assert bob.name == "Robert"


def test_the_navigation_shows_what_the_role_allows(signed_in, alice, bob, acme):
    team = reverse("accounts:team", kwargs={"org_id": acme.public_id})
    lines = {
        user: {line.label: line.current for line in signed_in(user).get(team).context["nav"]} for user in (alice, bob)
    }
    assert lines[alice]["Team"]
    assert not lines[alice]["API keys"]
    assert "API keys" not in lines[bob]
    assert "Settings" not in lines[bob]


def test_the_switcher_leads_to_all_of_ones_organizations(signed_in, alice, bob, acme, globex):
    MembershipFactory(organization=globex, user=alice)
    team = reverse("accounts:team", kwargs={"org_id": acme.public_id})
    link = f'href="{globex.get_absolute_url()}"'
    assert link in signed_in(alice).get(team).content.decode()
    assert link not in signed_in(bob).get(team).content.decode()


def test_the_refusal_names_whom_to_ask(signed_in, bob, acme):
    answer = signed_in(bob).get(settings_url(acme))
    assert answer.status_code == 403
    assert "Ask the owner or billing admin" in answer.content.decode()
