"""Outside the demo the portal is as closed as Django knows how to make it, without anybody asking for it."""

import re

import pytest
from django.core.management.utils import get_random_secret_key

from tests.billing_portal.processes import run_manage

LIVE_KEY = "sk_live_" + "a" * 24
REQUIRED = {
    "SECRET_KEY": get_random_secret_key(),
    "PORTAL_URL": "https://billing.example.com",
    "STRIPE_SECRET_KEY": LIVE_KEY,
}


def test_a_deployment_with_only_what_is_required_passes_the_deployment_check():
    done = run_manage("check", "--deploy", "--fail-level", "WARNING", **REQUIRED)

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_a_deployment_without_a_stripe_key_is_told_that_nobody_is_charged():
    done = run_manage("check", "--deploy", **REQUIRED | {"STRIPE_SECRET_KEY": ""})

    assert "Payments go to the bundled sandbox" in done.stderr


def test_a_secret_key_may_begin_with_a_dollar():
    script = "from django.conf import settings; print(settings.SECRET_KEY)"
    done = run_manage("shell", "--no-imports", "-c", script, **REQUIRED | {"SECRET_KEY": "$a" * 30})

    assert done.stdout.strip() == "$a" * 30, done.stderr


@pytest.mark.parametrize("missing", ["SECRET_KEY", "PORTAL_URL"])
def test_what_is_required_has_no_default(missing):
    done = run_manage("check", **{name: value for name, value in REQUIRED.items() if name != missing})

    assert done.returncode != 0
    assert f"Set the {missing} environment variable" in done.stderr


def test_the_demo_refuses_a_live_stripe_key():
    done = run_manage("check", DEMO="1", STRIPE_SECRET_KEY=LIVE_KEY)

    assert done.returncode != 0
    assert "the demo must not move real money" in done.stderr


def test_the_demo_needs_no_variable_at_all():
    assert run_manage("check", DEMO="1").returncode == 0


@pytest.mark.parametrize("path", ["/accounts/login/", "/api/docs/", "/no-such-page"])
def test_every_page_carries_the_security_headers(client, db, path):
    headers = client.get(path).headers

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_an_https_address_makes_cookies_secure_and_redirects():
    code = (
        "from django.conf import settings as s; import re;"
        "print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS,"
        " any(re.search(p, 'healthz') for p in s.SECURE_REDIRECT_EXEMPT), s.ALLOWED_HOSTS)"
    )

    done = run_manage("shell", "--no-imports", "-c", code, **REQUIRED)

    assert re.search(r"True True True 31536000 True \['billing\.example\.com'\]", done.stdout), done.stderr
