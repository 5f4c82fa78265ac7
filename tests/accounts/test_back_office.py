"""People, organizations and keys in the admin: who may do what, and what nobody may."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts import hooks
from accounts.models import ApiKey, Organization, Role, User
from accounts.services.invitations import invite


def changelist(model):
    return reverse(f"admin:accounts_{model}_changelist")


@pytest.fixture
def back_office(signed_in, stella):
    return signed_in(stella)


@pytest.mark.parametrize("model", ["user", "organization", "invitation", "apikey"])
def test_every_list_and_record_opens(back_office, acme, alice, acme_key, now, model):
    invitation = invite(organization=acme, email="dora@acme.example", role="member", invited_by=alice, now=now)
    record = {
        "user": alice,
        "organization": acme,
        "invitation": invitation,
        "apikey": ApiKey.objects.authenticate(acme_key),
    }[model]
    assert back_office.get(changelist(model)).status_code == 200
    assert back_office.get(reverse(f"admin:accounts_{model}_change", args=[record.pk])).status_code == 200
    if model != "invitation":
        assert back_office.get(reverse(f"admin:accounts_{model}_add")).status_code == 200


@pytest.mark.parametrize("term", ["Acme", "billing@acme.example", "acme-1", "public_id", "bob@acme.example"])
def test_organizations_are_found_by_what_staff_have_at_hand(back_office, acme, globex, term):
    answer = back_office.get(changelist("organization"), {"q": getattr(acme, term, term)})
    assert list(answer.context["cl"].result_list) == [acme]


def test_an_organization_leads_to_its_records(back_office, acme, globex, acme_key, globex_key):
    page = back_office.get(reverse("admin:accounts_organization_change", args=[acme.pk])).content.decode()
    address = f"{changelist('apikey')}?organization__id__exact={acme.pk}"
    assert address in page.replace("&amp;", "&")
    listed = back_office.get(address).context["cl"].result_list
    assert [api_key.organization for api_key in listed] == [acme]


def membership_forms(organization, *roles):
    memberships = list(organization.memberships.order_by("id"))
    data = {
        "name": organization.name,
        "email": organization.email,
        "external_id": organization.external_id,
        "memberships-TOTAL_FORMS": len(memberships),
        "memberships-INITIAL_FORMS": len(memberships),
    }
    for row, (membership, role) in enumerate(zip(memberships, roles, strict=True)):
        data |= {
            f"memberships-{row}-id": membership.pk,
            f"memberships-{row}-organization": organization.pk,
            f"memberships-{row}-user": membership.user_id,
            f"memberships-{row}-role": role,
        }
    return data


def test_staff_change_owners_but_never_leave_none(back_office, acme, alice, bob):
    address = reverse("admin:accounts_organization_change", args=[acme.pk])
    assert back_office.post(address, membership_forms(acme, "member", "owner")).status_code == 302
    assert acme.memberships.owners().get().user == bob
    refused = back_office.post(address, membership_forms(acme, "member", "member"))
    assert "The organization would be left without an owner." in refused.content.decode()
    assert acme.memberships.owners().get().user == bob


def test_an_organization_made_by_staff_is_announced_like_any_other(back_office, alice, monkeypatch):
    heard = []
    monkeypatch.setattr(hooks, "_organization_created", [heard.append])
    data = {
        "name": "Initech",
        "email": "billing@initech.example",
        "external_id": "",
        "memberships-TOTAL_FORMS": 1,
        "memberships-INITIAL_FORMS": 0,
        "memberships-0-user": alice.pk,
        "memberships-0-role": "owner",
    }
    assert back_office.post(reverse("admin:accounts_organization_add"), data).status_code == 302
    made = Organization.objects.get()
    assert heard == [made]
    assert (made.external_id, made.memberships.get().role) == (None, Role.OWNER)


def test_staff_make_a_service_key_and_see_it_once(back_office, stella, api, acme):
    answer = back_office.post(reverse("admin:accounts_apikey_add"), {"name": "Backend", "scope": "write"})
    (secret,) = set(re.findall(r"bps_[\w-]{43}", answer.content.decode()))
    assert api(secret).get(f"/organizations/{acme.public_id}").status_code == 200
    api_key = ApiKey.objects.get()
    assert (api_key.kind, api_key.created_by) == ("service", stella)
    assert secret not in back_office.get(changelist("apikey")).content.decode()


def test_staff_revoke_any_key(back_office, acme_key, service_key, api, acme):
    own = ApiKey.objects.authenticate(acme_key)
    back_office.post(changelist("apikey"), {"action": "revoke", "_selected_action": [own.pk]})
    assert api(acme_key).get(f"/organizations/{acme.public_id}").status_code == 401
    assert api(service_key).get(f"/organizations/{acme.public_id}").status_code == 200


def test_keys_take_a_permission(signed_in, sven):
    browser, add = signed_in(sven), reverse("admin:accounts_apikey_add")
    assert browser.post(add, {"name": "Backend", "scope": "write"}).status_code == 403
    assert not ApiKey.objects.exists()
    sven.user_permissions.add(Permission.objects.get(content_type__app_label="accounts", codename="add_apikey"))
    assert browser.post(add, {"name": "Backend", "scope": "write"}).status_code == 200
    assert ApiKey.objects.get().created_by == sven


@pytest.mark.parametrize("model", ["user", "organization", "invitation", "apikey"])
def test_nothing_here_is_deleted(back_office, acme, alice, acme_key, now, model):
    invitation = invite(organization=acme, email="dora@acme.example", role="member", invited_by=alice, now=now)
    own = ApiKey.objects.authenticate(acme_key)
    record = {"user": alice, "organization": acme, "invitation": invitation, "apikey": own}[model]
    answer = back_office.post(reverse(f"admin:accounts_{model}_delete", args=[record.pk]), {"post": "yes"})
    assert answer.status_code == 403
    assert type(record).objects.filter(pk=record.pk).exists()


def test_the_door_leads_visitors_to_sign_in_and_customers_away(signed_in, alice):
    index = reverse("admin:index")
    answer = Client().get(index, follow=True)
    assert answer.redirect_chain[-1][0] == f"{reverse('account_login')}?next={index}"
    assert signed_in(alice).get(index, follow=True).status_code == 403


def test_staff_without_a_second_factor_are_asked_to_set_one_up(signed_in, stella, settings):
    settings.REQUIRE_STAFF_MFA = True
    browser, index = signed_in(stella), reverse("admin:index")
    refused = browser.get(index, follow=True)
    assert refused.status_code == 403
    assert reverse("mfa_activate_totp") in refused.content.decode()
    assert browser.get(changelist("user")).status_code == 302
    Authenticator.objects.create(user=stella, type=Authenticator.Type.TOTP, data={"secret": "x"})
    assert browser.get(index).status_code == 200


def test_the_command_prints_a_working_service_key_on_its_last_line(capsys, api, acme):
    call_command("create_service_key", name="Backend")
    secret = capsys.readouterr().out.splitlines()[-1]
    assert api(secret).get(f"/organizations/{acme.public_id}").status_code == 200
    assert ApiKey.objects.get().kind == "service"


def test_the_command_refuses_a_nameless_key(db):
    with pytest.raises(CommandError, match="name"):
        call_command("create_service_key", name="  ")
    assert not ApiKey.objects.exists()


def test_staff_make_an_account(back_office):
    data = {"email": "New@portal.example", "usable_password": "true", "password1": "a long pass phrase 9"}
    answer = back_office.post(reverse("admin:accounts_user_add"), {**data, "password2": data["password1"]})
    assert answer.status_code == 302
    assert User.objects.filter(email="new@portal.example").exists()
