"""Whatever goes wrong under /api/, the answer is `{"error": {"code", "message", "details"}}`."""

import json

import pytest

from accounts.models import Organization

DEEP = "[" * 100_000 + "]" * 100_000
MANY_DIGITS = '{"name": ' + "9" * 5_000 + "}"


def error_of(answer):
    assert answer["Content-Type"] == "application/json"
    (envelope,) = answer.json().items()
    assert envelope[0] == "error"
    assert set(envelope[1]) == {"code", "message", "details"}
    assert envelope[1]["message"]
    return envelope[1]


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"",
        b"{",
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": -Infinity}',
        b'{"name": 1e999999999}',
        b'{"name": 1e-999999999}',
        b'{"name": "a", "name": "b"}',
        b'{"name": "\\u0000"}',
        b'{"name": "\\ud800"}',
        b"\xff\xfe\x00",
        DEEP.encode(),
        MANY_DIGITS.encode(),
        b"[1, 2]",
        b'"text"',
        b"null",
        b"17",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_that_cannot_be_used_is_a_400(api, service_key, body):
    answer = api(service_key).generic("POST", "/organizations", body, content_type="application/json")
    assert answer.status_code == 400
    assert error_of(answer)["code"] in {"malformed", "invalid"}
    assert not Organization.objects.exists()


def test_a_body_of_ten_megabytes_is_a_413(api, service_key):
    body = json.dumps({"name": "x" * 10_000_000}).encode()
    answer = api(service_key).generic("POST", "/organizations", body, content_type="application/json")
    assert answer.status_code == 413
    assert error_of(answer)["code"] == "body_too_large"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_another_media_type_is_a_415(api, service_key, content_type):
    answer = api(service_key).generic("POST", "/organizations", b"name=x", content_type=content_type)
    assert answer.status_code == 415
    assert error_of(answer)["code"] == "unsupported_media_type"


def test_another_method_is_a_405(api, service_key):
    answer = api(service_key).delete("/organizations")
    assert answer.status_code == 405
    assert error_of(answer)["code"] == "method_not_allowed"
    assert "POST" in answer["Allow"]


@pytest.mark.parametrize("method", ["get", "post", "delete", "patch"])
@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/nothing", "/api/v1/organizations/", "/api/v2/organizations"])
def test_an_unknown_address_is_a_404(api, db, method, path):
    answer = getattr(api(None), method)(path)
    assert answer.status_code == 404
    assert error_of(answer)["code"] == "not_found"


def test_an_unacceptable_format_is_a_406(api, service_key):
    answer = api(service_key).get("/organizations", HTTP_ACCEPT="application/xml")
    assert answer.status_code == 406
    assert error_of(answer)["code"] == "not_acceptable"


@pytest.mark.parametrize("path", ["/organizations/org_%00", "/organizations?external_id=%00"])
def test_a_nul_character_in_the_address_is_a_400(api, service_key, path):
    answer = api(service_key).get(path)
    assert answer.status_code == 400
    assert error_of(answer)["code"] == "malformed"


def test_a_fault_of_ours_is_a_500_that_tells_nothing(api, service_key, monkeypatch, caplog):
    def break_down(**kwargs):
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("accounts.api.views.create_organization", break_down)
    answer = api(service_key).post("/organizations", {"name": "Initech", "email": "billing@initech.example"})
    assert answer.status_code == 500
    assert error_of(answer)["code"] == "internal"
    assert "secret" not in answer.content.decode()
    assert "the secret of the house" in caplog.text
