"""Stripe's errors: status codes, types, codes and the envelope they travel in.

Source: https://docs.stripe.com/api/errors and https://docs.stripe.com/error-codes
"""

from __future__ import annotations

from typing import Any


class StripeError(Exception):
    """An answer other than 200. ``keeps_changes`` says whether what the request did so far stays (card errors)."""

    status = 400
    type = "invalid_request_error"
    keeps_changes = False

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.extra = extra

    @property
    def is_validation(self) -> bool:
        """Refused before anything began: Stripe keeps no idempotent answer for these."""
        return bool(self.code and self.code.startswith("parameter_"))

    def body(self) -> dict[str, Any]:
        """The JSON envelope."""
        error: dict[str, Any] = {"message": self.message, "type": self.type}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.param:
            error["param"] = self.param
        error.update({key: value for key, value in self.extra.items() if value is not None})
        return {"error": error}


class InvalidRequest(StripeError):
    """400: the request cannot be carried out as it stands."""


class NotFound(StripeError):
    """404: no such object or no such path."""

    status = 404


class Unauthorized(StripeError):
    """401: no key, or one that is not a sandbox key."""

    status = 401


class Conflict(StripeError):
    """409: another request holds the same idempotency key."""

    status = 409
    type = "idempotency_error"


class IdempotencyMismatch(StripeError):
    """400: the same idempotency key with other parameters."""

    type = "idempotency_error"


class RateLimited(StripeError):
    """429."""

    status = 429


class ServerFault(StripeError):
    """5xx, only by fault injection."""

    status = 500
    type = "api_error"

    def __init__(self, message: str, *, status: int = 500) -> None:
        super().__init__(message)
        self.status = status


class CardError(StripeError):
    """402: the bank said no. The failed attempt stays on record, so its changes are kept."""

    status = 402
    type = "card_error"
    keeps_changes = True


def no_such(label: str, object_id: str, param: str | None, *, in_path: bool) -> StripeError:
    """Stripe answers 404 for an id in the path, and 400 for one among the parameters."""
    kind = NotFound if in_path else InvalidRequest
    return kind(f"No such {label}: '{object_id}'", code="resource_missing", param=param)


def missing(param: str) -> InvalidRequest:
    """A required parameter is absent."""
    return InvalidRequest(f"Missing required param: {param}.", code="parameter_missing", param=param)
