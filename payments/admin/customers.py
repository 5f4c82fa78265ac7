"""Who is who at Stripe, and whose Stripe it is."""

from django.contrib import admin

from core.admin.columns import linked
from core.admin.records import ReadOnlyAdmin
from payments.admin.stripe_dashboard import dashboard_link
from payments.models import Customer, StripeAccount, StripeWebhookEndpoint


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    list_display = ["name", linked("organization"), "at_stripe", "email", "created_at"]
    list_select_related = ["organization"]
    search_fields = ["=stripe_id", "name", "email", "=organization__public_id", "organization__name"]
    fields = [linked("organization"), "at_stripe", "name", "email", "created_at", "revision", "confirmed_revision"]

    @admin.display(description="at Stripe", ordering="stripe_id")
    def at_stripe(self, customer: Customer) -> str:
        return dashboard_link(customer.stripe_id)


@admin.register(StripeAccount)
class StripeAccountAdmin(ReadOnlyAdmin):
    list_display = ["stripe_id", "name", "livemode", "verified_at"]
    fields = ["stripe_id", "name", "livemode", "verified_at"]


@admin.register(StripeWebhookEndpoint)
class StripeWebhookEndpointAdmin(ReadOnlyAdmin):
    """The secret is shown to nobody."""

    list_display = ["url", "stripe_id", "created_at"]
    fields = ["url", "stripe_id", "created_at"]
