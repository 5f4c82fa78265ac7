"""Gift cards: made one or many at a time, their codes shown once; what is owed on unredeemed ones."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts.models import User
from core.admin.columns import linked
from core.admin.figures import Figure, figures
from core.admin.records import ReadOnlyAdmin
from core.csv_export import csv_lines
from core.errors import PortalError
from core.quantities import grouped
from core.refusals import add_refusal
from credits.admin.panels import OWED
from credits.models import GiftCard, Unit
from credits.services.gift_cards import LARGEST_BATCH, IssuedCard, issue_gift_cards, void_gift_card


class GiftCardForm(forms.Form):
    name = forms.CharField(max_length=120, help_text="Whoever redeems it reads this: “Compensation for a bug”.")
    unit = forms.ModelChoiceField(Unit.objects.all())
    amount = forms.DecimalField(max_digits=20, decimal_places=6, help_text="Credits on each card.")
    count = forms.IntegerField(initial=1, min_value=1, max_value=LARGEST_BATCH, label="How many")
    valid_days = forms.IntegerField(initial=365, min_value=0, help_text="Of the credits, once redeemed; 0 means never.")
    expires_at = forms.SplitDateTimeField(
        required=False,
        widget=AdminSplitDateTime,
        label="Redeemable until",
        help_text="UTC. Empty: without an end.",
    )


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("open", "open"), ("redeemed", "redeemed"), ("void", "void"), ("expired", "expired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[GiftCard]) -> QuerySet[GiftCard]:
        now = timezone.now()
        if self.value() == "open":
            return queryset & GiftCard.objects.open(at=now)
        conditions = {
            "redeemed": Q(redeemed_at__isnull=False),
            "void": Q(voided_at__isnull=False),
            "expired": Q(redeemed_at=None, voided_at=None, expires_at__lte=now),
        }
        return queryset.filter(conditions.get(self.value() or "", Q()))


@admin.register(GiftCard)
class GiftCardAdmin(ReadOnlyAdmin):
    change_list_template = "admin/credits/giftcard/change_list.html"
    list_display = ["name", "last_four", "worth", "status_now", "batch", "created_by", "created_at", "redeemed_by"]
    list_filter = [StatusFilter, "unit", "created_at", "expires_at"]
    list_select_related = ["unit", "created_by", "redeemed_by"]
    search_fields = ["name", "=last_four", "=public_id", "=batch", "redeemed_by__name"]
    actions = ["void"]
    fields = [
        "public_id",
        "name",
        "last_four",
        "worth",
        "status_now",
        "batch",
        "valid_days",
        "expires_at",
        linked("purchase", "bought with"),
        "created_by",
        "created_at",
        "redeemed_by",
        "redeemed_at",
        linked("grant"),
        "voided_at",
        "void_reason",
    ]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("credits.issue_giftcard")

    def has_void_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("credits.void_giftcard")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        owed = GiftCard.objects.open(at=timezone.now()).per_unit()
        return super().changelist_view(request, {"owed": owed, **(extra_context or {})})

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Make cards. The codes are on the page that answers, and nowhere else: not a redirect, on purpose."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = GiftCardForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                issued = issue_gift_cards(created_by=cast(User, request.user), now=timezone.now(), **form.cleaned_data)
            except PortalError as problem:
                add_refusal(form, problem)
            else:
                self.log_addition(request, issued[0].card, f"Made {len(issued)} worth {issued[0].card.worth} each.")
                return self._page(request, "codes.html", title="The new codes", issued=issued, file=_file_of(issued))
        return self._page(request, "add.html", title="Make gift cards", form=form, media=self.media)

    def _page(self, request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
        everywhere = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, f"admin/credits/giftcard/{template}", {**everywhere, **context})

    @admin.action(description="Void selected cards", permissions=["void"])
    def void(self, request: HttpRequest, queryset: QuerySet[GiftCard]) -> HttpResponse | None:
        """Asks for the reason first; a redeemed card stays as it is and is named."""
        if not request.POST.get("reason", "").strip():
            return self._page(request, "void.html", title="Void gift cards", cards=queryset)
        for card in queryset:
            try:
                void_gift_card(card=card, reason=request.POST["reason"], now=timezone.now())
            except PortalError as problem:
                self.message_user(request, problem.message, messages.WARNING)
            else:
                self.log_change(request, card, f"Voided: {request.POST['reason']}")
                self.message_user(request, f"{card} is void.", messages.SUCCESS)
        return None

    @admin.display(description="status")
    def status_now(self, card: GiftCard) -> str:
        return card.status(at=timezone.now())


def _file_of(issued: list[IssuedCard]) -> str:
    """The codes as CSV, for the page to offer for download without keeping them anywhere."""
    rows: list[list[object]] = [["code", "name", "worth", "redeemable until (UTC)"]]
    for card, code in issued:
        rows.append([code, card.name, card.worth, card.expires_at.isoformat() if card.expires_at else ""])
    return "".join(csv_lines(rows))


@figures(OWED, GiftCard, order=20)
def unredeemed_cards(now: datetime) -> Iterator[Figure]:
    for row in GiftCard.objects.open(at=now).per_unit():
        yield Figure(
            grouped(row["total"]),
            row["unit__name"],
            {"status": "open", "unit__code__exact": row["unit"]},
            note=f"on {row['cards']:,} gift card{'s' if row['cards'] > 1 else ''} not redeemed yet",
        )
