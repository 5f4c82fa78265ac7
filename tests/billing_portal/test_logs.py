"""One line for each request, with an id to quote, and never a secret."""

import io
import json
import logging

import pytest

from billing_portal import logs


@pytest.fixture
def lines():
    """What the production format writes for a logger, parsed."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    formatter = logs.configure(as_json=True, level="INFO")["formatters"]["line"]
    handler.setFormatter(formatter.pop("()")(**formatter))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(before)


def test_a_request_is_one_line_with_the_id_that_the_response_carries(client, lines):
    response = client.get("/healthz?token=abc")

    (line,) = [line for line in lines() if line["event"] == "request_finished"]
    assert line["request_id"] == response["X-Request-ID"]
    assert line["request"] == "GET /healthz"
    assert line["code"] == 200


@pytest.mark.parametrize(
    "secret",
    [
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "rk_test_4eC39HqLyjWDarjtT1zdp7dc",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "Bearer pk9.s3cr3t",
    ],
)
def test_secrets_are_masked_wherever_they_stand(lines, secret):
    logging.getLogger("billing_portal.test").warning("refused %s at the door", secret)
    logging.getLogger("billing_portal.test").warning("refused", extra={"header": secret})

    first, second = lines()
    assert first["event"] == f"refused {logs.MASK} at the door"
    assert second["header"] == logs.MASK
    assert secret.split()[-1] not in json.dumps([first, second])


@pytest.mark.parametrize(
    ("path", "secret"),
    [
        ("/accounts/password/reset/key/3-c8k2-set/", "3-c8k2-set"),
        ("/accounts/confirm-email/MQ:1abc/", "MQ:1abc"),
        ("/invitations/tok3n/accept", "tok3n"),
    ],
)
def test_links_that_were_mailed_are_masked(client, db, lines, path, secret):
    client.get(path)

    written = json.dumps(lines())
    assert "request_finished" in written
    assert secret not in written


def test_passwords_in_addresses_and_named_fields_are_masked(lines):
    logging.getLogger("billing_portal.test").warning(
        "cannot reach postgres://portal:hunter2@db/portal", extra={"password": "hunter3", "api_key": "hunter4"}
    )

    assert "hunter" not in json.dumps(lines())


def test_an_exception_is_one_line_too(lines):
    try:
        raise ValueError("told sk_test_4eC39HqLyjWDarjtT1zdp7dc")
    except ValueError:
        logging.getLogger("billing_portal.test").exception("failed")

    (line,) = lines()
    assert "ValueError" in line["exception"]
    assert "sk_test" not in line["exception"]
