"""dj-stripe's mirror, reduced to the tables that staff look things up in.

dj-stripe's own admin lets one edit copies, call Stripe past the gateway, and read API keys; none of that is kept.
"""

import djstripe.admin  # noqa: F401  it registers its pages when imported; they have to be there to be taken away
from django.contrib import admin
from djstripe import models as djstripe_models

from core.admin.columns import pretty_json
from core.admin.records import ReadOnlyAdmin
from payments.admin.stripe_dashboard import dashboard_link

KEPT = (
    djstripe_models.Charge,
    djstripe_models.Session,
    djstripe_models.Customer,
    djstripe_models.Dispute,
    djstripe_models.Invoice,
    djstripe_models.PaymentIntent,
    djstripe_models.PaymentMethod,
    djstripe_models.Price,
    djstripe_models.Product,
    djstripe_models.Refund,
    djstripe_models.Subscription,
)


class MirrorAdmin(ReadOnlyAdmin):
    """A copy of what Stripe had last; Stripe itself is what counts."""

    list_display = ["at_stripe", "status", "amount", "created", "djstripe_updated"]
    search_fields = ["=id"]
    search_help_text = "Stripe's id"
    date_hierarchy = "created"
    ordering = ["-created"]
    fields = ["at_stripe", "created", "djstripe_updated", "data"]
    show_full_result_count = False

    @admin.display(description="at Stripe", ordering="id")
    def at_stripe(self, copy: djstripe_models.StripeModel) -> str:
        return dashboard_link(copy.id)

    @admin.display(description="status")
    def status(self, copy: djstripe_models.StripeModel) -> str:
        return copy.stripe_data.get("status") or copy.stripe_data.get("name") or "–"

    @admin.display(description="amount, in minor units")
    def amount(self, copy: djstripe_models.StripeModel) -> str:
        data = copy.stripe_data
        names = ("amount", "amount_total", "total", "unit_amount")
        amount = next((data[name] for name in names if data.get(name) is not None), None)
        return "–" if amount is None else f"{amount} {data.get('currency') or ''}"

    @admin.display(description="data")
    def data(self, copy: djstripe_models.StripeModel) -> str:
        return pretty_json(copy.stripe_data)


for model in list(admin.site._registry):
    if model._meta.app_label == "djstripe":
        admin.site.unregister(model)
admin.site.register(KEPT, MirrorAdmin)
