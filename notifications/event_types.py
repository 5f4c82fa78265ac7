"""The one list of event types, each with its channels and its audience.

The apps above fill it in their `AppConfig.ready()`; `services.publish` refuses a type that is not here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from accounts.models import Role
from notifications.errors import UnknownEventType

# Who deals with money.
DEFAULT_AUDIENCE: frozenset[str] = frozenset({Role.OWNER, Role.BILLING_ADMIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """Something that may happen to an organization.

    `code` is what webhooks call it (`credits.low`), `title` and `description` what people read. `optional` emails
    can be switched off per organization; webhooks never are. `audience` names the roles whose members are written
    to, beside the organization's billing address.
    """

    code: str
    title: str
    description: str
    email: bool = False
    webhook: bool = True
    optional: bool = False
    audience: frozenset[str] = DEFAULT_AUDIENCE


TEST_PING = EventType(
    code="test.ping",
    title="Test",
    description="Sent from the admin to one endpoint, to see whether it answers. Nothing happened.",
)


_types: dict[str, EventType] = {}


def register(event_type: EventType) -> EventType:
    """Add a type; registering the same one again is harmless. Raises ValueError for another one under the same code."""
    if _types.setdefault(event_type.code, event_type) != event_type:
        raise ValueError(f"The event type {event_type.code} is registered already, with other properties.")
    return event_type


def get(code: str) -> EventType:
    try:
        return _types[code]
    except KeyError:
        raise UnknownEventType(f"No app registered the event type {code!r}.") from None


def find(code: str) -> EventType | None:
    return _types.get(code)


def all_types() -> list[EventType]:
    return [_types[code] for code in sorted(_types)]


def codes_sent_to_webhooks() -> list[str]:
    return [event_type.code for event_type in all_types() if event_type.webhook]


def codes_to_subscribe_to() -> list[str]:
    """What an endpoint can choose: a test comes to whichever endpoint it is sent to."""
    return [code for code in codes_sent_to_webhooks() if code != TEST_PING.code]


def optional_emails() -> Iterable[EventType]:
    return [event_type for event_type in all_types() if event_type.email and event_type.optional]
