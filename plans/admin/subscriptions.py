"""Who is on what: read from Stripe, to look at here and to act on there."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core.admin.actions import for_each
from core.admin.columns import linked
from core.admin.records import ReadOnlyAdmin, ReadOnlyInline
from plans.models import DunningCase, OnDemand, PlanChange, PlanCheckout, Subscription, SubscriptionItem, TermsPeriod
from plans.services.plan_changes import cancel_change
from plans.services.stripe_refresh import refresh_subscription


class ItemInline(ReadOnlyInline):
    model = SubscriptionItem
    fields = ["component", "meter_code", "quantity", "money", "stripe_price_id", "stripe_id"]
    readonly_fields = ["money"]


class PeriodInline(ReadOnlyInline):
    model = TermsPeriod
    fields = ["plan", "interval", "bought", "starts_at", "ends_at", "window_anchor"]


class ChangeInline(ReadOnlyInline):
    model = PlanChange
    fields = ["from_plan", "to_plan", "to_interval", "to_quantity", "status", "effective_at", "requested_by"]


class CaseInline(ReadOnlyInline):
    model = DunningCase
    fields = ["stripe_invoice_id", "money", "attempts", "state", "first_failed_at"]
    readonly_fields = ["money"]


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = [
        "plan",
        linked("organization"),
        "role",
        "interval",
        "quantity",
        "status",
        "dunning_status",
        "period_end",
    ]
    list_filter = ["role", "status", "dunning_status", "interval", "plan"]
    search_fields = ["organization__name", "=organization__public_id", "=stripe_id"]
    search_help_text = "Organization, public id, or Stripe's id"
    list_select_related = ["organization", "plan"]
    date_hierarchy = "started_at"
    inlines = [ItemInline, PeriodInline, ChangeInline, CaseInline]
    actions = ["read_again"]

    @admin.action(description="Read again from Stripe", permissions=["act"])
    def read_again(self, request: HttpRequest, subscriptions: QuerySet[Subscription]) -> None:
        now = timezone.now()
        if read := for_each(request, subscriptions, lambda one: refresh_subscription(stripe_id=one.stripe_id, now=now)):
            messages.success(request, f"Read {read} subscription(s) again.")

    @admin.display(description="renews or ends, UTC", ordering="current_period_end")
    def period_end(self, subscription: Subscription) -> str:
        moment = subscription.ended_at or subscription.cancel_at or subscription.current_period_end
        word = "ended" if subscription.ended_at else "ends" if subscription.cancel_at else "renews"
        return f"{word} {moment:%-d %b %Y, %H:%M}" if moment else "–"


@admin.register(PlanChange)
class PlanChangeAdmin(ReadOnlyAdmin):
    list_display = [
        "created_at",
        linked("subscription__organization"),
        "what",
        "timing",
        "status",
        "effective_at",
        "money_due",
        "failure",
    ]
    list_filter = ["status", "timing", "to_plan", "created_at"]
    search_fields = [
        "subscription__organization__name",
        "=subscription__organization__public_id",
        "=subscription__stripe_id",
    ]
    list_select_related = ["subscription__organization", "from_plan", "to_plan"]
    actions = ["take_back"]

    @admin.action(description="Take back planned changes", permissions=["act"])
    def take_back(self, request: HttpRequest, chosen: QuerySet[PlanChange]) -> None:
        planned = [change for change in chosen if change.status == PlanChange.Status.SCHEDULED]
        taken_back = for_each(request, planned, lambda change: cancel_change(change=change, now=timezone.now()))
        messages.success(request, f"Took back {taken_back} planned change(s).")

    @admin.display(description="change")
    def what(self, change: PlanChange) -> str:
        quantities = f", {change.from_quantity} → {change.to_quantity}" if change.to_quantity else ""
        return f"{change.from_plan} → {change.to_plan}{quantities}, {change.from_interval} → {change.to_interval}"


@admin.register(PlanCheckout)
class PlanCheckoutAdmin(ReadOnlyAdmin):
    list_display = ["created_at", linked("organization"), "plan", "interval", "quantity", "status", "started_by"]
    list_filter = ["status", "plan", "created_at"]
    search_fields = ["organization__name", "=organization__public_id", "=public_id", "=stripe_session_id"]
    list_select_related = ["organization", "plan", "started_by"]


@admin.register(TermsPeriod)
class TermsPeriodAdmin(ReadOnlyAdmin):
    """Who was on which plan when. Where there is no row, the default plan holds."""

    list_display = ["plan", linked("organization"), "interval", "bought", "starts_at", "ends_at", "companion_paid"]
    list_filter = ["plan", "interval", "companion_paid"]
    search_fields = ["organization__name", "=organization__public_id"]
    list_select_related = ["organization", "plan"]


@admin.register(OnDemand)
class OnDemandAdmin(ReadOnlyAdmin):
    list_display = ["id", linked("organization"), "wanted", "paid", "paid_until", "refused_at", "refusal"]
    list_filter = [("refused_at", admin.EmptyFieldListFilter)]
    search_fields = ["organization__name", "=organization__public_id"]
    list_select_related = ["organization"]
