"""docs/webhooks.md says what is so."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from notifications import event_types
from notifications.engine import backoff

TEXT = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_every_webhook_type_is_in_the_table_and_no_other():
    """The types of the whole portal, as the apps registered them at start-up; those of these tests aside."""
    documented = re.findall(r"^\| `([a-z_.]+)` \|", TEXT, flags=re.MULTILINE)
    registered = [code for code in event_types.codes_sent_to_webhooks() if not code.startswith("demo.")]

    assert sorted(documented) == registered


def test_the_schedule_is_the_documented_one():
    quoted = re.search(r"^> (.*) · then every 12 h$", TEXT, flags=re.MULTILINE).group(1)
    units = {"s": 1, "min": 60, "h": 3600}
    documented = [
        sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+) (\w+)", delay))
        for delay in quoted.split(" · ")
    ]

    exact = [backoff.WEBHOOK_FIRST_DELAY.total_seconds() * backoff.WEBHOOK_FACTOR**n for n in range(len(documented))]
    for said, delay in zip(documented, exact, strict=True):
        assert said == pytest.approx(delay, rel=0.02)
    assert exact[-1] < backoff.WEBHOOK_LONGEST_DELAY.total_seconds() == 12 * 3600 < exact[-1] * 3


def test_the_python_by_hand_accepts_what_we_send_and_refuses_the_rest(say, receiver):
    endpoint = receiver.subscribe()
    say("demo.silent")
    (received,) = receiver.accepted
    source = next(block for block in re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL) if "def verify" in block)
    by_hand: dict = {}
    exec(source, by_hand)

    verify = by_hand["verify"]
    assert verify(endpoint.secret, received.headers, received.body)
    assert not verify(SECRET, received.headers, received.body)
    assert not verify(endpoint.secret, received.headers, received.body + b" ")
    old = {**received.headers, "webhook-timestamp": str(int(time.time()) - 600)}
    assert not verify(endpoint.secret, old, received.body)


def test_the_shell_example_signs_a_request_that_verifies(receiver):
    receiver.secrets.append(SECRET)
    script = re.search(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL).group(1)
    script = script.replace("whsec_…", SECRET).replace("http://localhost:9000/webhooks", receiver.url)

    ran = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, env=os.environ, check=True)

    assert ran.stdout.startswith("HTTP/1.0 200")
    assert receiver.types() == ["test.ping"] and receiver.unsigned == []
