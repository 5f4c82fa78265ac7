"""What credits count, and what is sold."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core.money import CURRENCIES
from credits.models import CreditPack, Unit


@admin.register(Unit)
class UnitAdmin(admin.ModelAdmin):
    list_display = ["code", "name", "currency", "step", "reserve_floor"]
    search_fields = ["code", "name"]

    def get_readonly_fields(self, request: HttpRequest, obj: Unit | None = None) -> list[str]:
        return ["code", "currency"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Unit | None = None) -> bool:
        return False


class CreditPackForm(forms.ModelForm):
    def clean_currency(self) -> str:
        currency: str = self.cleaned_data["currency"].lower()
        if currency not in CURRENCIES:
            raise forms.ValidationError(f"There is no currency with the code {currency!r}. Use one such as usd.")
        return currency

    def clean(self) -> dict[str, Any]:
        asked: dict[str, Any] = super().clean() or {}
        unit = self.instance.unit if self.instance.pk else asked.get("unit")
        if asked.get("open_minimum") and unit and unit.currency != asked.get("currency"):
            self.add_error("currency", "An open amount is sold at face value: in the currency that its unit counts.")
        return asked


@admin.register(CreditPack)
class CreditPackAdmin(admin.ModelAdmin):
    """A change of price reaches Stripe with `sync_catalog`; until then a new pack is not on sale."""

    form = CreditPackForm
    list_display = ["code", "title", "unit", "priced", "recurring", "valid_days", "on_sale", "retired_at"]
    list_filter = ["unit", "recurring", ("retired_at", admin.EmptyFieldListFilter)]
    list_select_related = ["unit"]
    search_fields = ["code", "name"]
    actions = ["retire", "bring_back"]
    fieldsets = [
        (None, {"fields": ["code", "name", "unit", "currency", "position"]}),
        ("Fixed", {"fields": ["credits", "price", "recurring"]}),
        ("Or an open amount", {"fields": ["open_minimum", "open_maximum"]}),
        ("Life", {"fields": ["valid_days", "retired_at"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CreditPack]:
        on_sale = CreditPack.objects.on_sale().filter(pk=OuterRef("pk")).order_by()
        return super().get_queryset(request).annotate(is_on_sale=Exists(on_sale))

    def get_readonly_fields(self, request: HttpRequest, obj: CreditPack | None = None) -> list[str]:
        return ["code", "unit", "retired_at"] if obj else ["retired_at"]

    def has_delete_permission(self, request: HttpRequest, obj: CreditPack | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: CreditPack, form: object, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self.message_user(
            request, "Run sync_catalog to bring this to Stripe; until then it is not sold.", messages.WARNING
        )

    @admin.display(description="price")
    def priced(self, pack: CreditPack) -> str:
        return str(pack.money or "open amount")

    @admin.display(boolean=True, description="on sale")
    def on_sale(self, pack: CreditPack) -> bool:
        return pack.is_on_sale  # type: ignore[attr-defined]

    @admin.action(description="Retire selected packs", permissions=["change"])
    def retire(self, request: HttpRequest, queryset: QuerySet[CreditPack]) -> None:
        count = queryset.filter(retired_at=None).update(retired_at=timezone.now())
        self.message_user(request, f"{count} retired. Run sync_catalog to take them off sale at Stripe.")

    @admin.action(description="Bring selected packs back", permissions=["change"])
    def bring_back(self, request: HttpRequest, queryset: QuerySet[CreditPack]) -> None:
        count = queryset.exclude(retired_at=None).update(retired_at=None)
        self.message_user(request, f"{count} brought back. Run sync_catalog to sell them again.")
