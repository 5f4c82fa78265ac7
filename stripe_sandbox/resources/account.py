"""The one account, which is the merchant."""

from __future__ import annotations

from ..objects import StripeObject
from ..values import nulls
from ..world import World


def account(world: World) -> StripeObject:
    """The merchant's account; made on first sight and the same ever after."""
    found = world.first("account")
    if found is not None:
        found["settings"]["dashboard"]["display_name"] = world.setting("account_name")
        return found
    name = world.setting("account_name")
    return world.add(
        "account",
        business_profile=nulls(
            "annual_revenue estimated_worker_count minority_owned_business_designation product_description "
            "support_address support_phone support_url url"
        )
        | {"mcc": "5734", "name": name, "support_email": "support@example.com"},
        business_type="company",
        capabilities={"card_payments": "active", "transfers": "active"},
        charges_enabled=True,
        controller={"type": "account"},
        country="US",
        default_currency="usd",
        details_submitted=True,
        email="merchant@example.com",
        external_accounts={
            "object": "list",
            "data": [],
            "has_more": False,
            "url": "/v1/accounts/self/external_accounts",
        },
        future_requirements=None,
        metadata={},
        payouts_enabled=True,
        requirements=None,
        settings={
            "branding": nulls("icon logo primary_color secondary_color"),
            "card_payments": nulls(
                "statement_descriptor_prefix statement_descriptor_prefix_kana statement_descriptor_prefix_kanji"
            )
            | {"decline_on": {"avs_failure": False, "cvc_failure": False}},
            "dashboard": {"display_name": name, "timezone": "Etc/UTC"},
            "payments": nulls("statement_descriptor_kana statement_descriptor_kanji")
            | {"statement_descriptor": "SANDBOX"},
        },
        tos_acceptance={"date": None, "ip": None, "user_agent": None},
        type="standard",
    )
