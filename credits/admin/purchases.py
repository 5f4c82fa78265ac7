"""Purchases with their refunds and disputes. Money goes back from here: a look first, then the sending."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from accounts.models import User
from core.admin.columns import linked, quantity
from core.admin.figures import TROUBLE, Figure, count_of_trouble, figures, recent_since
from core.admin.records import ReadOnlyAdmin, ReadOnlyInline, RecordAdmin
from core.errors import InvalidInput, PortalError
from core.money import Money
from core.public_ids import new_public_id
from core.refusals import add_refusal
from credits.admin.panels import SALES
from credits.forms import AttemptForm, typed_amount
from credits.models import Dispute, PackSubscription, Purchase, Refund
from credits.services.refund_quotes import RefundQuote, quote_refund
from credits.services.refunds import refund_purchase
from payments.admin.stripe_dashboard import dashboard_link
from payments.errors import StripeUnavailable


class RefundForm(AttemptForm):
    amount = forms.CharField(max_length=20)
    reason = forms.CharField(
        max_length=500, widget=forms.TextInput(attrs={"size": 80}), help_text="The customer reads it."
    )
    beyond_unspent = forms.BooleanField(
        required=False,
        label="Go beyond the unspent share",
        help_text="Credits already used are then owed, or forgiven.",
    )
    forgive = forms.BooleanField(required=False, label="Forgive what is used already")

    def __init__(self, *args: Any, may_go_beyond: bool, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.fields["amount"].help_text = f"In {currency.upper()}, such as 12.50."
        if not may_go_beyond:
            del self.fields["beyond_unspent"], self.fields["forgive"]

    def clean_amount(self) -> int:
        try:
            return typed_amount(self.cleaned_data["amount"], self.currency)
        except InvalidInput as problem:
            raise forms.ValidationError(problem.message) from None


class RefundInline(ReadOnlyInline):
    model = Refund
    readonly_fields = ["created_at", "money", quantity("credits"), "status", "reason", "actor", "failure"]
    fields = [*readonly_fields]


class DisputeInline(ReadOnlyInline):
    model = Dispute
    readonly_fields = ["opened_at", "money", "status", "reason", "closed_at"]
    fields = [*readonly_fields]


@admin.register(Purchase)
class PurchaseAdmin(ReadOnlyAdmin):
    change_form_template = "admin/credits/purchase/change_form.html"
    view_on_site = False  # the customer's own page, closed to staff
    list_display = ["public_id", "organization", "kind", "title", "money", "paid", "status", "created_at", "paid_at"]
    list_filter = ["status", "kind", "unit", "currency", "created_at", "paid_at"]
    list_select_related = ["organization", "unit"]
    search_fields = [
        "=public_id",
        "=checkout_session",
        "=payment_intent",
        "=charge",
        "=invoice",
        "organization__name",
        "=organization__public_id",
    ]
    date_hierarchy = "created_at"
    inlines = [RefundInline, DisputeInline]
    fieldsets = [
        (None, {"fields": ["public_id", linked("organization"), "kind", "title", "status", "failure", "buyer"]}),
        (
            "Money and credits",
            {"fields": ["money", "paid_so_far", quantity("credits"), "unit", "pack", linked("grant"), "paid_at"]},
        ),
        ("At Stripe", {"fields": ["session_link", "intent_link", "charge_link", "invoice_link", "receipt_url"]}),
        ("From the product", {"classes": ["collapse"], "fields": ["resume", "success_url", "cancel_url"]}),
    ]

    def has_refund_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("credits.refund_purchase")

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        extra = {"may_refund": self.has_refund_permission(request), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra)

    def get_urls(self) -> list[URLPattern]:
        refunding = self.admin_site.admin_view(self.refund_view)
        return [path("<int:pk>/refund/", refunding, name="credits_purchase_refund"), *super().get_urls()]

    def refund_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One form in three stages: filled in (GET), looked at once more (POST), sent (POST by the button `send`)."""
        if not self.has_refund_permission(request):
            raise PermissionDenied
        purchase = get_object_or_404(Purchase.objects.select_related("organization", "unit", "grant"), pk=pk)
        form = RefundForm(
            request.POST or None,
            may_go_beyond=request.user.has_perm("credits.refund_beyond_unspent"),
            currency=purchase.currency,
            initial={"attempt": new_public_id("attempt")},
        )
        # Before the quote: there is none any more when this repeats a sending by which all went back.
        if "send" in request.POST and form.is_valid() and self._send(request, purchase, form):
            return redirect(reverse("admin:credits_purchase_change", args=[pk]))
        try:
            quote = quote_refund(purchase=purchase, now=timezone.now())
        except PortalError as problem:
            self.message_user(request, problem.message, messages.WARNING)
            return redirect(reverse("admin:credits_purchase_change", args=[pk]))
        form.initial["amount"] = f"{quote.suggested.major:f}"
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Refund {purchase}",
            "purchase": purchase,
            "quote": quote,
            "used": purchase.unit.describe(quote.spent),
            "held": purchase.unit.describe(quote.held) if quote.held else "",
            "form": form,
            **(self._review(purchase, quote, form) if form.is_valid() else {}),  # unless sending was refused
        }
        return TemplateResponse(request, "admin/credits/purchase/refund.html", context)

    def _review(self, purchase: Purchase, quote: RefundQuote, form: RefundForm) -> dict[str, Any]:
        """What would be sent; nothing when it would be refused."""
        money = Money(form.cleaned_data["amount"], purchase.currency)
        try:
            quote.check(money, beyond_unspent=form.cleaned_data.get("beyond_unspent", False))
        except InvalidInput as problem:
            add_refusal(form, problem)
            return {}
        return {"review": {"money": money, "credits": purchase.unit.describe(quote.credits_for(money))}}

    def _send(self, request: HttpRequest, purchase: Purchase, form: RefundForm) -> bool:
        """Refund what was asked, and say what became of it. False when nothing was refunded: the form says why."""
        asked = form.cleaned_data
        try:
            refund = refund_purchase(
                purchase=purchase,
                amount=asked["amount"],
                reason=asked["reason"],
                actor=cast(User, request.user),
                beyond_unspent=asked.get("beyond_unspent", False),
                forgive=asked.get("forgive", False),
                attempt=asked["attempt"],
                now=timezone.now(),
            )
        except StripeUnavailable:
            money = Money(asked["amount"], purchase.currency)
            self.log_change(request, purchase, f"Refund of {money} begun: {asked['reason']}")
            self.message_user(
                request,
                f"Refund of {money}: recorded, and sent by itself as soon as our payment provider answers. "
                "There is nothing to do.",
                messages.WARNING,
            )
            return True
        except PortalError as problem:
            form.refuse(problem)
            return False
        self.log_change(request, purchase, f"Refunded {refund.money}: {refund.reason}")
        self.message_user(request, f"Refund of {refund.money}: {refund.get_status_display()}.", messages.SUCCESS)
        return True

    @admin.display(description="paid")
    def paid_so_far(self, purchase: Purchase) -> str:
        return str(purchase.paid or "–")

    @admin.display(description="checkout session")
    def session_link(self, purchase: Purchase) -> str:
        return dashboard_link(purchase.checkout_session or "")

    @admin.display(description="payment")
    def intent_link(self, purchase: Purchase) -> str:
        return dashboard_link(purchase.payment_intent or "")

    @admin.display(description="charge")
    def charge_link(self, purchase: Purchase) -> str:
        return dashboard_link(purchase.charge)

    @admin.display(description="invoice")
    def invoice_link(self, purchase: Purchase) -> str:
        return dashboard_link(purchase.invoice)


@admin.register(Refund)
class RefundAdmin(RecordAdmin):
    list_display = ["public_id", "purchase", "money", quantity("credits"), "status", "reason", "actor", "created_at"]
    list_filter = ["status", "forgiven", "purchase__currency", "created_at"]
    list_select_related = ["purchase__unit", "purchase__organization", "actor"]
    search_fields = ["=public_id", "=stripe_refund", "=purchase__public_id", "purchase__organization__name"]


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    list_display = [
        "stripe_dispute",
        "purchase",
        "money",
        "status",
        "stripe_status",
        "reason",
        "opened_at",
        "closed_at",
    ]
    list_filter = ["status", "opened_at"]
    list_select_related = ["purchase__unit", "purchase__organization"]
    search_fields = ["=stripe_dispute", "=purchase__public_id", "purchase__organization__name"]


@admin.register(PackSubscription)
class PackSubscriptionAdmin(ReadOnlyAdmin):
    list_display = ["organization", "pack", "status", "interval", "current_period_end", "cancel_at_period_end"]
    list_filter = ["status", "interval", "cancel_at_period_end"]
    list_select_related = ["organization", "pack__unit"]
    search_fields = ["=stripe_subscription", "organization__name", "=organization__public_id"]


@figures(TROUBLE, Dispute, order=30)
def open_disputes(now: datetime) -> Iterator[Figure]:
    yield count_of_trouble(
        Dispute.objects.open().count(), "open disputes", {"status__exact": Dispute.Status.OPEN.value}
    )


@figures(SALES, Purchase, order=10)
def recently_paid(now: datetime) -> Iterator[Figure]:
    """Per currency, as paid: with tax, after promotion codes, before refunds."""
    since = recent_since(now)
    paid = Purchase.objects.filter(paid_at__gte=since).order_by().values("currency")
    for row in paid.annotate(total=Sum("paid_amount"), number=Count("pk")).order_by("currency"):
        yield Figure(
            str(Money(row["total"], row["currency"])),
            "paid",
            {"paid_at__gte": since, "currency": row["currency"]},
            note=f"{row['number']:,} purchase{'s' if row['number'] > 1 else ''}, {row['currency'].upper()}",
        )


@figures(SALES, Refund, order=20)
def recently_refunded(now: datetime) -> Iterator[Figure]:
    since = recent_since(now)
    counted = Refund.objects.counted().filter(created_at__gte=since).order_by().values("purchase__currency")
    for row in counted.annotate(total=Sum("amount"), number=Count("pk")).order_by("purchase__currency"):
        currency = row["purchase__currency"]
        yield Figure(
            str(Money(row["total"], currency)),
            "refunded",
            {"created_at__gte": since, "purchase__currency": currency, "status__in": ",".join(Refund.COUNTED)},
            note=f"{row['number']:,} refund{'s' if row['number'] > 1 else ''}, {currency.upper()}",
        )
