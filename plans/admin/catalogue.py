"""Plans with their prices, allowances and commitments."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core.admin.records import ReadOnlyAdmin, ReadOnlyInline
from plans.admin.reminders import remind_to_sync
from plans.models import Allowance, Commitment, Plan, PlanPrice, PlanRevision, Subscription
from plans.presentation import allowance_line
from plans.services.catalogue import finish_catalogue, make_default, problems_of


class ContradictoryRows(Exception):
    """The saved rows contradict each other: the transaction is rolled back, and the form shows why."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class PlanForm(forms.ModelForm):
    problems: list[str] = []

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        for problem in self.problems:
            self.add_error(None, problem)
        return cleaned


class PriceInline(admin.TabularInline):
    model = PlanPrice
    extra = 0


class AllowanceInline(admin.StackedInline):
    model = Allowance
    extra = 0
    fields = ["meter", ("included", "beyond"), "bill_ladder", ("cap_amount", "concurrency")]


class CommitmentInline(admin.StackedInline):
    model = Commitment
    extra = 0
    fields = ["meter", ("minimum", "bundle", "maximum"), "beyond"]


class RevisionInline(ReadOnlyInline):
    model = PlanRevision
    fields = ["effective_at"]
    verbose_name_plural = "what it said, from when on (UTC)"
    ordering = ["-effective_at", "-id"]


@admin.register(Plan)
class PlanAdmin(admin.ModelAdmin):
    """The catalogue's truth. Codes never change, and a plan with subscribers is retired, not deleted."""

    form = PlanForm
    list_display = ["name", "code", "is_default", "offered", "prices_in_words", "includes", "subscribers"]
    list_filter = ["is_default", "retired", "public", ("private_to", admin.EmptyFieldListFilter)]
    search_fields = ["name", "code", "private_to__name"]
    autocomplete_fields = ["private_to"]
    readonly_fields = ["is_default"]
    inlines = [PriceInline, AllowanceInline, CommitmentInline, RevisionInline]
    actions = ["retire", "bring_back", "make_the_default"]
    fieldsets = [
        (None, {"fields": ["code", "name", "description", "is_default"]}),
        ("Who may subscribe", {"fields": ["public", "private_to", "retired", "trial_days"]}),
        ("On the pricing page", {"fields": ["position", "features", "support_level", "sla"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Plan]:
        live = Q(subscriptions__status__in=Subscription.LIVE, subscriptions__role=Subscription.Role.BASE)
        plans = super().get_queryset(request).prefetch_related("prices", "allowances__meter", "commitment__meter")
        return plans.annotate(live_subscribers=Count("subscriptions", filter=live, distinct=True))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [*self.readonly_fields, "code"] if obj else list(self.readonly_fields)

    def has_delete_permission(self, request: HttpRequest, obj: Plan | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.is_default)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Rows that do not go together are undone, and the form comes back with what was typed and why."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except ContradictoryRows as contradiction:
            self._problems(request).extend(contradiction.problems)
            return super().changeform_view(request, *args, **kwargs)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, *args, **kwargs)
        form.problems = self._problems(request)
        return form

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if not Plan.objects.filter(is_default=True).exists():
            make_default(plan=form.instance)
            messages.info(request, "It is the default plan, because there was none.")
        if problems := [
            f"{place}: {message}" for place, message in problems_of(Plan.objects.for_pricing().get(pk=form.instance.pk))
        ]:
            raise ContradictoryRows(problems)
        finish_catalogue(now=timezone.now())
        remind_to_sync(request)

    @admin.action(description="Retire: keep its subscribers, take no new ones", permissions=["change"])
    def retire(self, request: HttpRequest, plans: QuerySet[Plan]) -> None:
        retired = plans.filter(is_default=False).update(retired=True)
        if plans.filter(is_default=True).exists():
            messages.warning(request, "The default plan stays. Make another plan the default first.")
        messages.success(request, f"Retired {retired} plan(s). Run `manage.py sync_catalog` to take them off sale.")

    @admin.action(description="Bring back: sell it again", permissions=["change"])
    def bring_back(self, request: HttpRequest, plans: QuerySet[Plan]) -> None:
        messages.success(
            request, f"On sale again: {plans.update(retired=False)} plan(s). Run `manage.py sync_catalog`."
        )

    @admin.action(description="Make it the default, for organizations without a paid plan", permissions=["change"])
    def make_the_default(self, request: HttpRequest, plans: QuerySet[Plan]) -> None:
        chosen = list(plans)
        if len(chosen) != 1:
            messages.error(request, "Choose exactly one plan.")
            return
        plan = chosen[0]
        plan.is_default = True
        if plan.retired or plan.private_to_id or (problems := list(problems_of(plan))):
            why = "it is retired or private" if plan.retired or plan.private_to_id else problems[0][1]
            messages.error(request, f"{plan} cannot be the default: {why}.")
            return
        make_default(plan=plan)
        finish_catalogue(now=timezone.now())
        messages.success(request, f"Organizations without a paid plan are on {plan} from now on.")

    @admin.display(description="offered")
    def offered(self, plan: Plan) -> str:
        if plan.retired:
            return "retired"
        return f"to {plan.private_to}" if plan.private_to else "publicly" if plan.public else "by link"

    @admin.display(description="prices")
    def prices_in_words(self, plan: Plan) -> str:
        return ", ".join(f"{price}{' each' if price.component == 'quantity' else ''}" for price in plan.prices.all())

    @admin.display(description="includes")
    def includes(self, plan: Plan) -> str:
        return "; ".join(allowance_line(allowance, plan) for allowance in plan.allowances.all())

    @admin.display(description="subscribers", ordering="live_subscribers")
    def subscribers(self, plan: Any) -> int:
        return int(plan.live_subscribers)

    def _problems(self, request: HttpRequest) -> list[str]:
        if not hasattr(request, "plan_problems"):
            request.plan_problems = []  # type: ignore[attr-defined]
        return request.plan_problems  # type: ignore[attr-defined]


@admin.register(PlanRevision)
class PlanRevisionAdmin(ReadOnlyAdmin):
    """What each plan's terms were, and from when. Usage is priced by the revision of its own time."""

    list_display = ["plan", "effective_at", "meters"]
    list_filter = ["plan", "effective_at"]
    fields = ["plan", "effective_at", "content"]

    @admin.display(description="meters")
    def meters(self, revision: PlanRevision) -> str:
        meters = revision.content.get("meters", [])
        return ", ".join(f"{meter['code']}: {meter['included'] or 'unlimited'}" for meter in meters) or "–"
