"""What payments refuses, and what can go wrong between us and Stripe, in the portal's own words."""

from django.core.exceptions import ImproperlyConfigured

from core.errors import PaymentRequired, PortalError, RuleRefused, Unavailable


class StripeUnavailable(Unavailable):
    """Down, slow, 5xx, 429, or busy with the same idempotency key: trying again with that key is safe."""

    code = "stripe_unavailable"


class StripeKeyRefused(StripeUnavailable):
    """Stripe does not accept our key. The customer can only wait; the operator finds the reason in the log."""

    code = "stripe_key_refused"


class CardDeclined(PaymentRequired):
    """The bank said no, or wants the customer to confirm.

    `decline_code` is the bank's reason (`insufficient_funds`, …); `stripe_code` is Stripe's (`card_declined`,
    `authentication_required`); `payment_intent` is the id of the attempt, where there was one.
    """

    code = "card_declined"

    def __init__(self, message: str, *, stripe_code: str, decline_code: str, payment_intent: str) -> None:
        super().__init__(message, stripe_code=stripe_code, decline_code=decline_code)
        self.stripe_code = stripe_code
        self.decline_code = decline_code
        self.payment_intent = payment_intent

    @property
    def needs_customer(self) -> bool:
        """The bank would say yes if the customer confirmed in person (3-D Secure)."""
        return "authentication_required" in (self.stripe_code, self.decline_code)


class StripeRefused(RuleRefused):
    """Stripe understood and said no; the same request will be refused again. `stripe_code` and `param` say why."""

    code = "stripe_refused"

    def __init__(self, message: str, *, stripe_code: str = "", param: str = "") -> None:
        super().__init__(message, stripe_code=stripe_code, param=param)
        self.stripe_code = stripe_code
        self.param = param


class StripeKeyReused(StripeRefused):
    """The idempotency key stands for another request, which did reach Stripe: its events show the outcome."""

    code = "stripe_key_reused"


class StripeNotFound(StripeRefused):
    """Stripe has no such object (any more)."""

    code = "stripe_not_found"


class NotAtStripe(Unavailable):
    """503. In our catalogue, but nobody has run `sync_catalog` since."""

    code = "not_for_sale_yet"


class FixedAtStripe(Exception):
    """The catalogue asks for a change that Stripe never allows; the message says the way out."""


class DeliveryRefused(PortalError):
    """400. A webhook delivery that is not taken in. Stripe shows the answer in its dashboard; we keep only a count."""

    http_status = 400


class ObjectIsBusy(Exception):
    """Other workers acted on this object each time while we were reading it; trying again later will do."""


class WrongAccount(ImproperlyConfigured):
    """The key opens another Stripe account than the one that our customers, prices and payments live in."""
