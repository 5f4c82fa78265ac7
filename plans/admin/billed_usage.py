"""Postpaid usage: what was reported to Stripe, what still waits, and what had to be corrected."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core.admin.columns import linked, quantity
from core.admin.records import ReadOnlyInline, RecordAdmin
from core.money import Money
from plans.models import BilledUsage, InvoiceCorrection, MeterReading
from plans.services.billed_usage import deliver


class ReadingInline(ReadOnlyInline):
    model = MeterReading
    readonly_fields = [
        "identifier",
        quantity("quantity"),
        "read_at",
        "attempts",
        "delivered_at",
        "abandoned_at",
        "last_error",
    ]
    fields = [*readonly_fields]


class CorrectionInline(ReadOnlyInline):
    model = InvoiceCorrection
    fields = ["amount", "description", "attempts", "delivered_at", "stripe_item_id", "last_error"]


@admin.register(BilledUsage)
class BilledUsageAdmin(RecordAdmin):
    list_display = [
        "meter",
        linked("organization"),
        "window_start",
        "window_end",
        quantity("quantity"),
        "money",
        "invoiced",
        "closed_at",
    ]
    list_filter = ["meter", ("closed_at", admin.EmptyFieldListFilter), "window_start"]
    search_fields = ["organization__name", "=organization__public_id", "meter__code"]
    list_select_related = ["organization", "meter"]
    inlines = [ReadingInline, CorrectionInline]

    @admin.display(description="invoiced and corrected")
    def invoiced(self, usage: BilledUsage) -> str:
        invoiced, corrected, forgiven = (
            Money(amount, usage.currency)
            for amount in (usage.invoiced_amount, usage.corrected_amount, usage.forgiven_amount)
        )
        return f"{invoiced} + {corrected}" + (f", {forgiven} forgiven" if usage.forgiven_amount else "")


class OutboxAdmin(RecordAdmin):
    list_filter = [
        ("delivered_at", admin.EmptyFieldListFilter),
        ("abandoned_at", admin.EmptyFieldListFilter),
        "created_at",
    ]
    search_fields = ["usage__organization__name", "=usage__organization__public_id"]
    list_select_related = ["usage__organization", "usage__meter"]
    actions = ["deliver_now"]

    @admin.action(description="Deliver what is waiting now", permissions=["act"])
    def deliver_now(self, request: HttpRequest, rows: QuerySet[MeterReading]) -> None:
        now = timezone.now()
        rows.filter(delivered_at=None, abandoned_at=None).update(next_attempt_at=now)
        messages.success(request, f"Stripe acknowledged {deliver(now=now)}.")


@admin.register(MeterReading)
class MeterReadingAdmin(OutboxAdmin):
    list_display = [
        "usage",
        quantity("quantity"),
        "read_at",
        "attempts",
        "next_attempt_at",
        "delivered_at",
        "last_error",
    ]


@admin.register(InvoiceCorrection)
class InvoiceCorrectionAdmin(OutboxAdmin):
    list_display = ["usage", "money", "description", "attempts", "next_attempt_at", "delivered_at", "last_error"]

    @admin.display(description="amount", ordering="amount")
    def money(self, correction: InvoiceCorrection) -> Money:
        return Money(correction.amount, correction.usage.currency)
