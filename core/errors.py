"""What can go wrong, in words for people and codes for programs.

Services raise these; the API turns one into its error envelope, a page into a message. Each app adds its own
subclasses.
"""

from typing import Any


class PortalError(Exception):
    """A refusal with a reason. `code` is part of the API's contract; `message` says what is wrong and the way out."""

    code = "refused"
    http_status = 422

    def __init__(self, message: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.details = details


class InvalidInput(PortalError):
    """A value that cannot be accepted; `field` names where it stood."""

    code = "invalid"
    http_status = 400

    def __init__(self, message: str, *, field: str, **details: Any) -> None:
        super().__init__(message, fields={field: [message]}, **details)
        self.field = field


class NotFound(PortalError):
    code = "not_found"
    http_status = 404


class NotAllowed(PortalError):
    code = "forbidden"
    http_status = 403


class Conflict(PortalError):
    """The same id or key was used before with other content, or something ended differently."""

    code = "conflict"
    http_status = 409


class PaymentRequired(PortalError):
    code = "payment_required"
    http_status = 402


class RuleRefused(PortalError):
    """A well-formed request that a rule refuses."""

    code = "refused"
    http_status = 422


class OutOfRange(RuleRefused):
    """Each number was within its bounds, but not what they add up to."""

    code = "out_of_range"

    def __init__(self) -> None:
        super().__init__("That would add up to more than can be kept. Nothing was changed.")


class Unavailable(PortalError):
    """Something outside is down; trying again later is safe."""

    code = "unavailable"
    http_status = 503
