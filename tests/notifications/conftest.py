"""Event types of the tests' own, so that these tests do not depend on what the other apps register."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from notifications import event_types
from notifications.event_types import EventType
from notifications.models import Event
from notifications.services import publish

PAYMENT_FAILED = EventType(
    code="demo.payment_failed", title="Payment failed", description="A payment did not go through.", email=True
)
RUNNING_LOW = EventType(
    code="demo.low", title="Running low", description="Little is left of something.", email=True, optional=True
)
ONLY_WEBHOOK = EventType(code="demo.silent", title="Silent", description="Only programs hear of it.")
ONLY_EMAIL = EventType(
    code="demo.letter", title="Letter", description="Only people hear of it.", email=True, webhook=False
)


@pytest.fixture(autouse=True)
def _types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_types, "_types", dict(event_types._types))
    for event_type in (PAYMENT_FAILED, RUNNING_LOW, ONLY_WEBHOOK, ONLY_EMAIL):
        event_types.register(event_type)


@pytest.fixture
def real_now() -> datetime:
    """For deliveries: receivers refuse timestamps that are not theirs."""
    return datetime.now(UTC)


@pytest.fixture
def committed(django_capture_on_commit_callbacks) -> Callable[..., Any]:
    """`with committed(): …`: what is queued on commit runs at the end of the block."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def lost_tasks(django_capture_on_commit_callbacks) -> Callable[..., Any]:
    """`with lost_tasks(): …`: what is queued on commit is lost, as when the broker forgets everything."""
    return lambda: django_capture_on_commit_callbacks(execute=False)


@pytest.fixture
def say(committed, acme, now) -> Iterator[Callable[..., Event]]:
    """`say("demo.low")`: publish something about acme, and let the workers finish."""

    def publish_it(type: str = "demo.payment_failed", key: str = "k1", **given: Any) -> Event:
        with committed():
            return publish(**{"type": type, "organization": acme, "data": {"n": 1}, "key": key, "now": now, **given})

    return publish_it


@pytest.fixture
def own_templates(settings, tmp_path) -> Path:
    """A folder for templates of the tests' own."""
    folder = tmp_path / "notifications" / "emails"
    folder.mkdir(parents=True)
    (engine,) = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [tmp_path, *engine["DIRS"]]}]
    return folder
