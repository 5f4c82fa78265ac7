"""Ids that look like Stripe's, and the object type each prefix stands for."""

from __future__ import annotations

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits

# Object type -> (prefix, length of the random part). Lengths are those seen in Stripe's documentation.
_SHAPES = {
    "account": ("acct_", 16),
    "balance_transaction": ("txn_", 24),
    "billing.meter": ("mtr_test_", 24),
    "billing.meter_event_summary": ("mtrusg_test_", 24),
    "billing_portal.configuration": ("bpc_", 24),
    "billing_portal.session": ("bps_", 24),
    "charge": ("ch_", 24),
    "checkout.session": ("cs_test_", 58),
    "coupon": ("", 8),
    "customer": ("cus_", 14),
    "customer_balance_transaction": ("cbtxn_", 24),
    "discount": ("di_", 24),
    "dispute": ("dp_", 24),
    "entitlements.feature": ("feat_test_", 24),
    "event": ("evt_", 24),
    "invoice": ("in_", 24),
    "invoice_payment": ("inpay_", 24),
    "invoiceitem": ("ii_", 24),
    "item": ("li_", 24),
    "line_item": ("il_", 24),
    "payment_intent": ("pi_", 24),
    "payment_method": ("pm_", 24),
    "price": ("price_", 24),
    "product": ("prod_", 14),
    "product_feature": ("prodft_", 24),
    "promotion_code": ("promo_", 24),
    "refund": ("re_", 24),
    "setup_intent": ("seti_", 24),
    "subscription": ("sub_", 24),
    "subscription_item": ("si_", 14),
    "subscription_schedule": ("sub_sched_", 24),
    "tax_rate": ("txr_", 24),
    "webhook_endpoint": ("we_", 24),
}


def random_text(length: int) -> str:
    """``length`` letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_id(object_type: str) -> str:
    """A fresh id for an object of this type."""
    prefix, length = _SHAPES[object_type]
    return prefix + random_text(length)


def client_secret(object_id: str) -> str:
    """The client secret of an intent, as Stripe forms it."""
    return f"{object_id}_secret_{random_text(25)}"
