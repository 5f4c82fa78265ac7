"""Inviting by email: sent, sent again, withdrawn, accepted, and every way in which it is not."""

import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Invitation, Role, User
from accounts.services.invitations import (
    InvitationClosed,
    accept_invitation,
    invite,
    resend_invitation,
    revoke_invitation,
)
from core.errors import Conflict, NotAllowed, RuleRefused
from tests.factories import UserFactory

PASSWORD = "correct horse battery staple"


@pytest.fixture
def send(acme, alice, mailoutbox, django_capture_on_commit_callbacks):
    """Invite somebody to acme; returns the invitation and the link from the email."""

    def send(email="dora@acme.example", role=Role.BILLING_ADMIN, now=None):
        with django_capture_on_commit_callbacks(execute=True):
            invitation = invite(organization=acme, email=email, role=role, invited_by=alice, now=now or timezone.now())
        return invitation, link_in(mailoutbox[-1])

    return send


def link_in(message):
    (link,) = set(re.findall(r"http://\S+/invitations/\S+/", message.body))
    assert link in message.alternatives[0].content
    return link.removeprefix("http://127.0.0.1:8000")


def team_url(name, organization, **kwargs):
    return reverse(f"accounts:{name}", kwargs={"org_id": organization.public_id, **kwargs})


def test_an_owner_invites_from_the_team_page(signed_in, alice, acme, mailoutbox, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = signed_in(alice).post(
            team_url("invite", acme), {"email": "Dora@Acme.example", "role": "billing_admin"}, follow=True
        )
    assert "An invitation is on its way to dora@acme.example." in answer.content.decode()
    (message,) = mailoutbox
    assert message.to == ["dora@acme.example"]
    assert message.subject == "Join Acme on Billing Portal"
    assert "Alice (alice@acme.example) invites you to Acme as billing admin." in message.body
    assert "UTC" in message.body


def test_a_member_may_not_invite(signed_in, bob, acme, mailoutbox):
    answer = signed_in(bob).post(team_url("invite", acme), {"email": "dora@acme.example", "role": "owner"})
    assert answer.status_code == 403
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("data", [{"email": "nobody", "role": "member"}, {"email": "d@acme.example", "role": "king"}])
def test_an_impossible_invitation_is_refused_on_the_page(signed_in, alice, acme, data):
    answer = signed_in(alice).post(team_url("invite", acme), data)
    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert not Invitation.objects.exists()


def test_someone_new_signs_up_with_the_link_and_joins(send, acme, mailoutbox):
    invitation, link = send()
    browser = Client()
    assert "Join Acme" in browser.get(link).content.decode()
    form = browser.get(reverse("account_signup")).content.decode()
    assert "dora@acme.example" in form
    assert "organization_name" not in form
    mailoutbox.clear()
    answer = browser.post(reverse("account_signup"), {"email": "dora@acme.example", "password1": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    dora = User.objects.get(email="dora@acme.example")
    (membership,) = dora.memberships.all()
    assert (membership.organization, membership.role) == (acme, Role.BILLING_ADMIN)
    assert dora.emailaddress_set.get().verified
    assert browser.get("/")["Location"] == acme.get_absolute_url()
    invitation.refresh_from_db()
    assert invitation.accepted_by == dora


def test_someone_who_has_an_account_signs_in_and_joins(send, acme):
    dora = UserFactory(email="dora@acme.example", password=PASSWORD)
    _, link = send()
    browser = Client()
    assert reverse("account_login") in browser.get(link).content.decode()
    answer = browser.post(
        reverse("account_login") + f"?next={link}", {"login": "dora@acme.example", "password": PASSWORD, "next": link}
    )
    assert answer["Location"] == link
    assert "You are signed in as dora@acme.example" in browser.get(link).content.decode()
    assert not dora.memberships.exists()  # looking is not joining
    assert browser.post(link)["Location"] == acme.get_absolute_url()
    assert dora.memberships.get().role == Role.BILLING_ADMIN


def test_the_wrong_person_is_told_whose_it_is(send, signed_in, charlie, globex):
    invitation, link = send()
    browser = signed_in(charlie)
    page = browser.get(link).content.decode()
    assert "This invitation is for dora@acme.example" in page
    assert "You are signed in as charlie@globex.example" in page
    browser.post(link)
    assert [membership.organization for membership in charlie.memberships.all()] == [globex]
    with pytest.raises(NotAllowed):
        accept_invitation(invitation=invitation, user=charlie, now=timezone.now())


def test_a_sign_up_with_another_address_joins_nothing(send, acme):
    _, link = send()
    browser = Client()
    browser.get(link)
    browser.post(reverse("account_signup"), {"email": "eve@evil.example", "password1": PASSWORD})
    assert not acme.memberships.filter(user__email="eve@evil.example").exists()
    eve = User.objects.filter(email="eve@evil.example").first()
    assert eve is None or not eve.emailaddress_set.get().verified


def test_a_second_address_of_a_person_is_theirs_too(send, acme, charlie):
    charlie.emailaddress_set.create(email="dora@acme.example", verified=False)
    invitation, _ = send()
    accept_invitation(invitation=invitation, user=charlie, now=timezone.now())
    assert acme.memberships.filter(user=charlie).exists()


def test_after_seven_days_the_link_has_expired(send, acme, signed_in, now, time_machine):
    invitation, link = send(now=now)
    dora = UserFactory(email="dora@acme.example")
    time_machine.move_to(now + timedelta(days=7, seconds=-1), tick=False)
    assert Client().get(link).status_code == 200
    time_machine.move_to(now + timedelta(days=7), tick=False)
    answer = Client().get(link)
    assert answer.status_code == 410
    assert "This invitation has expired" in answer.content.decode()
    with pytest.raises(InvitationClosed) as refusal:
        accept_invitation(invitation=invitation, user=dora, now=timezone.now())
    assert refusal.value.code == "invitation_expired"
    assert not dora.memberships.exists()


def test_sending_again_gives_it_another_seven_days(send, now, mailoutbox, django_capture_on_commit_callbacks):
    invitation, link = send(now=now)
    with pytest.raises(RuleRefused, match="a moment ago"):
        resend_invitation(invitation=invitation, now=now + timedelta(seconds=59))
    later = now + timedelta(days=8)
    with django_capture_on_commit_callbacks(execute=True):
        again = resend_invitation(invitation=invitation, now=later)
    assert again.expires_at == later + timedelta(days=7)
    assert len(mailoutbox) == 2
    assert link_in(mailoutbox[1]) == link


def test_a_withdrawn_invitation_opens_nothing(send, acme, signed_in, alice):
    invitation, link = send()
    signed_in(alice).post(team_url("invitation_revoke", acme, invitation_id=invitation.public_id))
    answer = Client().get(link)
    assert answer.status_code == 410
    assert "This invitation was withdrawn" in answer.content.decode()
    dora = UserFactory(email="dora@acme.example")
    with pytest.raises(InvitationClosed):
        accept_invitation(invitation=invitation, user=dora, now=timezone.now())
    assert not dora.memberships.exists()


def test_an_invitation_is_used_once(send, acme):
    invitation, link = send()
    dora = UserFactory(email="dora@acme.example")
    accept_invitation(invitation=invitation, user=dora, now=timezone.now())
    with pytest.raises(InvitationClosed):
        accept_invitation(invitation=invitation, user=dora, now=timezone.now())
    with pytest.raises(InvitationClosed):
        revoke_invitation(invitation=invitation, now=timezone.now())
    assert Client().get(link).status_code == 410


def test_a_member_who_accepts_keeps_the_role_they_have(send, acme, alice):
    alice.emailaddress_set.create(email="dora@acme.example", verified=True)
    invitation, _ = send(role=Role.MEMBER)
    assert accept_invitation(invitation=invitation, user=alice, now=timezone.now()).role == Role.OWNER


def test_members_and_invited_people_are_not_invited_twice(send, acme, alice, now):
    send()
    for email, code in (("bob@acme.example", "already_member"), ("DORA@acme.example", "already_invited")):
        with pytest.raises(Conflict) as refusal:
            invite(organization=acme, email=email, role=Role.MEMBER, invited_by=alice, now=now)
        assert refusal.value.code == code
    assert Invitation.objects.count() == 1


def test_the_database_keeps_one_open_invitation_per_address(send, now):
    invitation, _ = send()
    with pytest.raises(IntegrityError), transaction.atomic():
        Invitation.objects.create(
            organization=invitation.organization, email=invitation.email, sent_at=now, expires_at=now
        )


def test_a_forged_link_is_a_404(send, acme):
    invitation, link = send()
    for forged in (link[:-3] + "xx/", f"/invitations/{invitation.public_id}/", "/invitations/nonsense/"):
        assert Client().get(forged).status_code == 404


def test_invitations_of_another_organization_are_out_of_reach(send, signed_in, charlie, globex):
    invitation, _ = send()
    for name in ("invitation_resend", "invitation_revoke"):
        address = team_url(name, globex, invitation_id=invitation.public_id)
        assert signed_in(charlie).post(address).status_code == 404
    invitation.refresh_from_db()
    assert invitation.revoked_at is None
