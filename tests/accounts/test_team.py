"""The team page: who may see it, who may change it, and that an owner always remains."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.urls import reverse

from accounts.models import Membership, Role
from accounts.services.memberships import LastOwner, change_role, remove_member
from core.errors import PortalError
from tests.factories import MembershipFactory, UserFactory


def url(name, organization, **kwargs):
    return reverse(f"accounts:{name}", kwargs={"org_id": organization.public_id, **kwargs})


@pytest.fixture
def bobs_membership(acme, bob):
    return acme.memberships.get(user=bob)


@pytest.fixture
def alices_membership(acme, alice):
    return acme.memberships.get(user=alice)


def test_members_see_the_team_and_owners_may_change_it(signed_in, alice, bob, acme):
    seen_by_bob = signed_in(bob).get(url("team", acme)).content.decode()
    seen_by_alice = signed_in(alice).get(url("team", acme)).content.decode()
    assert "alice@acme.example" in seen_by_bob
    assert "bob@acme.example" in seen_by_alice
    assert url("invite", acme) in seen_by_alice
    assert url("invite", acme) not in seen_by_bob


def test_an_owner_changes_a_role(signed_in, alice, acme, bobs_membership):
    address = url("member_role", acme, membership_id=bobs_membership.public_id)
    assert signed_in(alice).post(address, {"role": "billing_admin"}).status_code == 302
    bobs_membership.refresh_from_db()
    assert bobs_membership.role == Role.BILLING_ADMIN


@pytest.mark.parametrize("role", ["", "emperor"])
def test_an_unknown_role_changes_nothing(signed_in, alice, acme, bobs_membership, role):
    address = url("member_role", acme, membership_id=bobs_membership.public_id)
    answer = signed_in(alice).post(address, {"role": role}, follow=True)
    assert "The role is owner, billing admin or member." in answer.content.decode()
    bobs_membership.refresh_from_db()
    assert bobs_membership.role == Role.MEMBER


@pytest.mark.parametrize("name", ["member_role", "member_remove"])
def test_a_member_may_not_change_the_team(signed_in, bob, acme, alices_membership, name):
    address = url(name, acme, membership_id=alices_membership.public_id)
    assert signed_in(bob).post(address, {"role": "member"}).status_code == 403
    assert list(acme.memberships.owners()) == [alices_membership]


def test_an_owner_removes_a_member_after_a_second_look(signed_in, alice, acme, bob, bobs_membership):
    browser, address = signed_in(alice), url("member_remove", acme, membership_id=bobs_membership.public_id)
    assert "Remove Bob?" in browser.get(address).content.decode()
    assert acme.memberships.filter(user=bob).exists()
    assert browser.post(address).status_code == 302
    assert not acme.memberships.filter(user=bob).exists()
    assert signed_in(bob).get(url("team", acme)).status_code == 404


def test_members_of_another_organization_are_out_of_reach(signed_in, alice, acme, globex, charlie):
    charlies = globex.memberships.get(user=charlie)
    for name in ("member_role", "member_remove"):
        address = url(name, acme, membership_id=charlies.public_id)
        assert signed_in(alice).post(address, {"role": "member"}).status_code == 404
    charlies.refresh_from_db()
    assert charlies.role == Role.OWNER


def test_a_member_leaves(signed_in, bob, acme):
    browser = signed_in(bob)
    assert "Leave Acme?" in browser.get(url("leave", acme)).content.decode()
    assert browser.post(url("leave", acme)).status_code == 302
    assert not acme.memberships.filter(user=bob).exists()
    assert browser.get("/")["Location"] == reverse("accounts:organization_create")


def test_the_last_owner_can_neither_leave_nor_step_down(signed_in, alice, acme, alices_membership):
    browser = signed_in(alice)
    left = browser.post(url("leave", acme), follow=True)
    address = url("member_role", acme, membership_id=alices_membership.public_id)
    stepped_down = browser.post(address, {"role": "member"}, follow=True)
    for answer in (left, stepped_down):
        assert "Make somebody else an owner first." in answer.content.decode()
    alices_membership.refresh_from_db()
    assert alices_membership.role == Role.OWNER


def test_with_another_owner_the_first_may_go(alices_membership, bobs_membership, acme):
    change_role(membership=bobs_membership, role=Role.OWNER)
    remove_member(membership=alices_membership)
    assert list(acme.memberships.owners()) == [bobs_membership]


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_leaving_at_once_one_stays(globex, charlie):
    MembershipFactory(organization=globex, user=UserFactory(), role=Role.OWNER)
    start = Barrier(2)

    def leave(membership):
        start.wait()
        try:
            remove_member(membership=membership)
        except LastOwner:
            return "stays"
        finally:
            connection.close()
        return "left"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(leave, Membership.objects.filter(organization=globex)))
    assert outcomes == ["left", "stays"]
    assert globex.memberships.owners().count() == 1


def test_removing_somebody_twice_says_so(bobs_membership):
    remove_member(membership=bobs_membership)
    with pytest.raises(PortalError, match="no longer a member"):
        change_role(membership=bobs_membership, role=Role.OWNER)
