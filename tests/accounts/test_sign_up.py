"""A new customer: account, organization and proof of address."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts import hooks
from accounts.models import Organization, Role, User

PASSWORD = "correct horse battery staple"
FORM = {"email": "Dora@Initech.example", "password1": PASSWORD, "organization_name": "Initech"}


@pytest.fixture
def sign_up(db):
    def sign_up(browser=None, **changes):
        return (browser or Client()).post(reverse("account_signup"), {**FORM, **changes})

    return sign_up


def test_account_and_organization_are_made_together(sign_up):
    assert sign_up().status_code == 302
    dora = User.objects.get()
    membership = dora.memberships.get()
    assert dora.email == "dora@initech.example"
    assert dora.password.startswith("md5$") or "argon2" in dora.password
    assert (membership.role, membership.organization.name) == (Role.OWNER, "Initech")
    assert membership.organization.email == "dora@initech.example"


def test_nobody_enters_before_the_address_is_confirmed(sign_up, mailoutbox):
    browser = Client()
    assert sign_up(browser)["Location"] == reverse("account_email_verification_sent")
    assert browser.get(reverse("accounts:profile")).status_code == 302
    (link,) = set(re.findall(r"http://\S+/confirm-email/\S+/", mailoutbox[0].body))
    browser.post(link.removeprefix("http://testserver"))
    answer = browser.post(reverse("account_login"), {"login": FORM["email"], "password": PASSWORD}, follow=True)
    assert answer.redirect_chain[-1][0] == Organization.objects.get().get_absolute_url()


def test_a_known_address_gets_the_same_answer_and_a_letter(sign_up, alice, mailoutbox):
    fresh = sign_up()
    known = sign_up(email="ALICE@acme.example")
    assert (known.status_code, known["Location"]) == (fresh.status_code, fresh["Location"])
    assert User.objects.count() == 2
    assert Organization.objects.count() == 1
    assert mailoutbox[-1].to == ["alice@acme.example"]
    assert "already" in mailoutbox[-1].subject


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"organization_name": ""}, "organization_name"),
        ({"organization_name": "x" * 121}, "organization_name"),
        ({"organization_name": "a\x07b"}, "organization_name"),
        ({"email": "nobody"}, "email"),
        ({"password1": "password"}, "password1"),
        ({"password1": "dora@initech.example"}, "password1"),
    ],
)
def test_what_cannot_be_used_is_refused_on_the_page(sign_up, change, field):
    answer = sign_up(**change)
    assert answer.status_code == 200
    assert field in answer.context["form"].errors
    assert not User.objects.exists()


def test_when_the_organization_cannot_be_made_there_is_no_account_either(sign_up, monkeypatch):
    def refuse(organization):
        raise RuntimeError("no")

    monkeypatch.setattr(hooks, "_organization_created", [refuse])
    with pytest.raises(RuntimeError):
        sign_up()
    assert not User.objects.exists()
    assert not Organization.objects.exists()


def test_higher_apps_hear_of_a_new_organization_inside_its_transaction(sign_up, monkeypatch):
    heard = []
    monkeypatch.setattr(hooks, "_organization_created", [])
    hooks.on_organization_created(lambda organization: heard.append(organization.name))
    sign_up()
    assert heard == ["Initech"]


def test_an_unknown_address_asking_for_a_new_password_gets_the_same_answer(alice, mailoutbox):
    answers = [
        Client().post(reverse("account_reset_password"), {"email": email})
        for email in ("alice@acme.example", "nobody@nowhere.example")
    ]
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [
        (302, reverse("account_reset_password_done"))
    ] * 2


def test_wrong_passwords_are_limited(alice, settings):
    browser, login = Client(), reverse("account_login")
    for _ in range(12):
        browser.post(login, {"login": alice.email, "password": "wrong"})
    browser.post(login, {"login": alice.email, "password": PASSWORD})
    assert "_auth_user_id" not in browser.session
