"""The sign-in library's pages and emails speak in our templates."""

import pytest
from django.core import mail
from django.urls import reverse

SIGNED_OUT = [
    "account_login",
    "account_signup",
    "account_reset_password",
    "account_reset_password_done",
    "account_inactive",
]
SIGNED_IN = ["account_email", "account_change_password", "account_logout", "mfa_index", "account_reauthenticate"]


def assert_is_ours(response) -> None:
    page = response.content.decode()
    assert response.status_code == 200
    assert "css/components.css" in page
    assert page.count("<h1") == 1
    assert " style=" not in page


@pytest.mark.django_db
@pytest.mark.parametrize("name", SIGNED_OUT)
def test_signed_out_page_is_ours(client, name):
    assert_is_ours(client.get(reverse(name)))


@pytest.mark.parametrize("name", SIGNED_IN)
def test_signed_in_page_is_ours(signed_in, alice, name):
    assert_is_ours(signed_in(alice).get(reverse(name)))


@pytest.mark.django_db
def test_wrong_password_says_so_beside_the_form(client):
    response = client.post(reverse("account_login"), {"login": "nobody@acme.example", "password": "wrong"})
    assert_is_ours(response)
    assert 'class="errorlist nonfield"' in response.content.decode()


def test_reset_email_comes_as_text_and_html_with_the_same_link(client, alice):
    client.post(reverse("account_reset_password"), {"email": alice.email})
    [message] = mail.outbox
    [(html, kind)] = message.alternatives
    link = next(word for word in message.body.split() if "/password/reset/key/" in word)
    assert kind == "text/html"
    assert f'href="{link}"' in html
