"""Stripe's test cards and what each of them does. Source: https://docs.stripe.com/testing"""

from __future__ import annotations

from dataclasses import dataclass, field

# decline_code -> (error code, message to the customer). Most declines share one code.
DECLINES = {
    "authentication_required": (
        "authentication_required",
        "Your card was declined. This transaction requires authentication.",
    ),
    "expired_card": ("expired_card", "Your card has expired."),
    "fraudulent": ("card_declined", "Your card was declined."),
    "generic_decline": ("card_declined", "Your card was declined."),
    "incorrect_cvc": ("incorrect_cvc", "Your card's security code is incorrect."),
    "insufficient_funds": ("card_declined", "Your card has insufficient funds."),
    "lost_card": ("card_declined", "Your card was declined."),
    "processing_error": (
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
    "stolen_card": ("card_declined", "Your card was declined."),
}


@dataclass(frozen=True)
class Card:
    """One test card."""

    number: str
    what: str
    tokens: tuple[str, ...] = field(default=())
    brand: str = "visa"
    funding: str = "credit"
    decline: str | None = None  # decline_code of every charge
    attaches: bool = True  # a declined card cannot be saved either, but for the one made to fail later
    authentication: str = "never"  # "never", "unless_set_up" or "always"
    dispute: str | None = None  # reason of the dispute that follows a charge
    inquiry: bool = False  # that dispute is only an inquiry
    refund: str = "succeeds"  # or "fails_later" or "pending"

    @property
    def last4(self) -> str:
        """The last four digits."""
        return self.number[-4:]


CARDS = (
    Card("4242424242424242", "Succeeds", ("pm_card_visa",)),
    Card("4000056655665556", "Succeeds (debit)", ("pm_card_visa_debit",), funding="debit"),
    Card("5555555555554444", "Succeeds (Mastercard)", ("pm_card_mastercard",), brand="mastercard"),
    Card("378282246310005", "Succeeds (American Express)", ("pm_card_amex",), brand="amex"),
    Card("4000000000000077", "Succeeds, funds at once", ("pm_card_bypassPending",)),
    Card(
        "4000000000000002",
        "Declined",
        ("pm_card_visa_chargeDeclined", "pm_card_chargeDeclined"),
        decline="generic_decline",
        attaches=False,
    ),
    Card(
        "4000000000009995",
        "Declined: insufficient funds",
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "pm_card_chargeDeclinedInsufficientFunds"),
        decline="insufficient_funds",
        attaches=False,
    ),
    Card(
        "4000000000009987",
        "Declined: lost card",
        ("pm_card_visa_chargeDeclinedLostCard",),
        decline="lost_card",
        attaches=False,
    ),
    Card(
        "4000000000009979",
        "Declined: stolen card",
        ("pm_card_visa_chargeDeclinedStolenCard",),
        decline="stolen_card",
        attaches=False,
    ),
    Card(
        "4000000000000069",
        "Declined: expired card",
        ("pm_card_chargeDeclinedExpiredCard",),
        decline="expired_card",
        attaches=False,
    ),
    Card(
        "4000000000000127",
        "Declined: incorrect security code",
        ("pm_card_chargeDeclinedIncorrectCvc",),
        decline="incorrect_cvc",
        attaches=False,
    ),
    Card(
        "4000000000000119",
        "Declined: processing error",
        ("pm_card_chargeDeclinedProcessingError",),
        decline="processing_error",
        attaches=False,
    ),
    Card("4100000000000019", "Blocked as fraudulent", ("pm_card_radarBlock",), decline="fraudulent", attaches=False),
    Card(
        "4000000000000341",
        "Can be saved, but every charge fails",
        ("pm_card_chargeCustomerFail",),
        decline="generic_decline",
    ),
    Card(
        "4000002500003155",
        "Asks for authentication, until it has been saved",
        ("pm_card_authenticationRequiredOnSetup",),
        authentication="unless_set_up",
    ),
    Card(
        "4000000000003220",
        "Asks for authentication, until it has been saved",
        ("pm_card_threeDSecure2Required",),
        authentication="unless_set_up",
    ),
    Card(
        "4000002760003184",
        "Asks for authentication every time",
        ("pm_card_authenticationRequired",),
        authentication="always",
    ),
    Card(
        "4000008260003178",
        "Asks for authentication, then: insufficient funds",
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",),
        decline="insufficient_funds",
        authentication="unless_set_up",
    ),
    Card("4000000000005126", "Succeeds; a refund fails later", ("pm_card_refundFail",), refund="fails_later"),
    Card("4000000000007726", "Succeeds; a refund stays pending", ("pm_card_pendingRefund",), refund="pending"),
    Card("4000000000000259", "Succeeds; then disputed as fraudulent", ("pm_card_createDispute",), dispute="fraudulent"),
    Card(
        "4000000000002685",
        "Succeeds; then disputed as not received",
        ("pm_card_createDisputeProductNotReceived",),
        dispute="product_not_received",
    ),
    Card(
        "4000000000001976",
        "Succeeds; then an inquiry",
        ("pm_card_createDisputeInquiry",),
        dispute="fraudulent",
        inquiry=True,
    ),
)

BY_NUMBER = {card.number: card for card in CARDS}
BY_TOKEN = {token: card for card in CARDS for token in card.tokens}

# The payment method that succeeds (or fails) days later. US bank account numbers as in Stripe's documentation.
DELAYED = "bank_debit"
DELAYED_TOKENS = {"pm_usBankAccount": "000123456789", "pm_usBankAccount_success": "000123456789"}
DELAYED_FAILS = "000111111116"
