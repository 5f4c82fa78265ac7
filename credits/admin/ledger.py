"""Wallets, entries and holds: to read, by every path."""

from decimal import Decimal

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from core.admin.columns import linked, quantity
from core.admin.records import ReadOnlyAdmin, ReadOnlyInline, RecordAdmin
from core.quantities import grouped
from credits.models import CreditGrant, CreditHold, HoldReservation, LedgerEntry, Wallet


class GrantInline(ReadOnlyInline):
    model = CreditGrant
    readonly_fields = [
        "public_id",
        "source",
        "reason",
        quantity("amount"),
        quantity("remaining"),
        quantity("held"),
        "expires_at",
    ]
    fields = [*readonly_fields]
    verbose_name_plural = "open grants, in the order in which they are used"

    def get_queryset(self, request: HttpRequest) -> QuerySet[CreditGrant]:
        return (
            super()
            .get_queryset(request)
            .filter(is_open=True)
            .order_by(*CreditGrant.objects.in_burn_order().query.order_by)
        )


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin):
    list_display = ["organization", "unit", "available_now", quantity("held"), quantity("debt"), "entries_link"]
    list_filter = ["unit"]
    list_select_related = ["organization", "unit"]
    search_fields = ["organization__name", "=organization__public_id", "=organization__external_id"]
    fields = [
        linked("organization"),
        "unit",
        "available_now",
        quantity("balance"),
        quantity("held"),
        quantity("debt"),
        "entries_link",
    ]
    inlines = [GrantInline]

    @admin.display(description="available now")
    def available_now(self, wallet: Wallet) -> str:
        return grouped(_available(wallet))

    @admin.display(description="ledger")
    def entries_link(self, wallet: Wallet) -> str:
        url = reverse("admin:credits_ledgerentry_changelist")
        return format_html(
            '<a href="{}?wallet__id__exact={}">{} entries</a>', url, wallet.pk, grouped(Decimal(wallet.last_sequence))
        )


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = [
        "created_at",
        linked("wallet__organization"),
        "unit",
        "kind",
        "moved",
        "balance",
        "reason",
        "actor",
        linked("grant"),
    ]
    list_filter = ["kind", "wallet__unit", "created_at"]
    list_select_related = ["wallet__organization", "wallet__unit", "grant", "actor"]
    search_fields = ["=reference", "reason", "=wallet__organization__public_id", "wallet__organization__name"]
    search_help_text = "A whole reference, part of a reason, or an organization's name or id"
    show_full_result_count = False
    list_per_page = 50
    fields = [
        "reference",
        linked("wallet"),
        "sequence",
        "kind",
        quantity("amount"),
        quantity("balance_after"),
        linked("grant"),
        "reason",
        "actor",
        "fingerprint",
        "event_at",
        "created_at",
    ]

    @admin.display(ordering="wallet__unit")
    def unit(self, entry: LedgerEntry) -> str:
        return entry.wallet.unit_id

    @admin.display(description="amount", ordering="amount")
    def moved(self, entry: LedgerEntry) -> str:
        return grouped(entry.amount)

    @admin.display(description="balance after")
    def balance(self, entry: LedgerEntry) -> str:
        return grouped(entry.balance_after)


class ReservationInline(ReadOnlyInline):
    model = HoldReservation
    readonly_fields = ["grant", quantity("amount")]
    fields = [*readonly_fields]
    show_change_link = False


@admin.register(CreditHold)
class CreditHoldAdmin(RecordAdmin):
    list_display = [
        "public_id",
        "organization",
        "unit",
        "amount",
        "status",
        "captured",
        "debt",
        "expires_at",
        "created_at",
    ]
    list_filter = ["status", "wallet__unit", "created_at"]
    list_select_related = ["organization", "wallet__unit"]
    search_fields = ["=public_id", "=reference", "organization__name", "=organization__public_id"]
    inlines = [ReservationInline]

    @admin.display(ordering="wallet__unit")
    def unit(self, hold: CreditHold) -> str:
        return hold.wallet.unit_id


def _available(wallet: Wallet) -> Decimal:
    return Wallet.objects.state(organization=wallet.organization, unit=wallet.unit_id, at=timezone.now()).available
