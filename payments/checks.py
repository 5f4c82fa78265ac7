"""System checks of the Stripe settings. None of them calls out."""

import re

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from payments.gateway.client import refuse_mixed_modes

# What dj-stripe accepts as well; https://docs.stripe.com/keys
KEY = re.compile(r"(sk|rk)_(test|live)_[A-Za-z0-9]{24,}")


@checks.register("payments")
def stripe_key_is_well_formed(app_configs: object, **kwargs: object) -> list[checks.CheckMessage]:
    if KEY.fullmatch(settings.STRIPE_SECRET_KEY):
        return []
    return [
        checks.Error(
            "STRIPE_SECRET_KEY is not a Stripe secret key.",
            hint="It begins with sk_test_, sk_live_, rk_test_ or rk_live_, and 24 or more letters and digits follow. "
            "Leave it out to use the bundled sandbox.",
            id="payments.E001",
        )
    ]


@checks.register("payments")
def stripe_modes_are_not_mixed(app_configs: object, **kwargs: object) -> list[checks.CheckMessage]:
    try:
        refuse_mixed_modes(base=settings.STRIPE_API_BASE, sandbox=settings.STRIPE_SANDBOX)
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="payments.E002")]
    return []


@checks.register("payments", deploy=True)
def production_uses_stripe(app_configs: object, **kwargs: object) -> list[checks.CheckMessage]:
    if not settings.STRIPE_SANDBOX or settings.DEMO:
        return []
    return [
        checks.Warning(
            "Payments go to the bundled sandbox: nobody is charged, and everybody gets their credits.",
            hint="Set STRIPE_SECRET_KEY.",
            id="payments.W001",
        )
    ]
