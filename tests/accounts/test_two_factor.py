"""Two-factor sign-in: once set up, a password alone opens nothing; a recovery code opens once."""

import base64
import hashlib
import hmac
import struct
import time
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

PASSWORD = "correct horse battery staple"


def code_of(secret: str) -> str:
    """What an authenticator app shows now (RFC 6238: SHA-1, 30 seconds, six digits)."""
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    offset = digest[-1] & 0xF
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def password_step(user) -> Client:
    browser = Client()
    answer = browser.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert answer["Location"] == reverse("mfa_authenticate")
    return browser


def is_signed_in(browser: Client) -> bool:
    return browser.get(reverse("accounts:profile")).status_code == 200


@pytest.fixture
def secret(alice, now, time_machine) -> str:
    """Alice sets it up on the page, with her password once more and the code that her app shows."""
    time_machine.move_to(now, tick=False)
    browser = Client()
    browser.post(reverse("account_login"), {"login": alice.email, "password": PASSWORD})
    assert browser.get(reverse("mfa_activate_totp"))["Location"].startswith(reverse("account_reauthenticate"))
    browser.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    form = browser.get(reverse("mfa_activate_totp")).context["form"]
    answer = browser.post(reverse("mfa_activate_totp"), {"code": code_of(form.secret)})
    assert answer.status_code == 302
    return form.secret


def test_the_password_alone_opens_nothing(alice, secret):
    browser = password_step(alice)
    assert not is_signed_in(browser)
    browser.post(reverse("mfa_authenticate"), {"code": "000000" if code_of(secret) != "000000" else "111111"})
    assert not is_signed_in(browser)


def test_the_code_of_the_app_opens(alice, secret, now, time_machine):
    time_machine.move_to(now + timedelta(seconds=60), tick=False)  # the code that set it up is spent
    browser = password_step(alice)
    browser.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert is_signed_in(browser)


def test_a_recovery_code_opens_once(alice, secret):
    authenticator = Authenticator.objects.get(user=alice, type=Authenticator.Type.RECOVERY_CODES)
    code, *_ = authenticator.wrap().get_unused_codes()
    outcomes = []
    for _ in range(2):
        browser = password_step(alice)
        browser.post(reverse("mfa_authenticate"), {"code": code})
        outcomes.append(is_signed_in(browser))
    assert outcomes == [True, False]
