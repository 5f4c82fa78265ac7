"""The runs of the tally."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.contrib import admin
from django.db.models import QuerySet, Sum
from django.http import HttpRequest

from core.admin.columns import quantity
from core.admin.figures import TROUBLE, Figure, count_of_trouble, figures
from core.admin.records import ReadOnlyAdmin, ReadOnlyInline
from usage.models import TallyRun, TallyTrouble


class TallyTroubleInline(ReadOnlyInline):
    model = TallyTrouble
    show_change_link = False


@admin.register(TallyRun)
class TallyRunAdmin(ReadOnlyAdmin):
    list_display = ["started_at", "finished_at", "organizations", "events", quantity("credits"), "seconds", "errors"]
    list_filter = ["started_at", ("finished_at", admin.EmptyFieldListFilter)]
    inlines = [TallyTroubleInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TallyRun]:
        return super().get_queryset(request).prefetch_related("troubles")


@figures(TROUBLE, TallyRun, order=60)
def tally_errors(now: datetime) -> Iterator[Figure]:
    """Of a whole day: a later run of one organization alone would hide those of the last run of all."""
    since = (now - timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    number = TallyRun.objects.filter(started_at__gte=since).aggregate(errors=Sum("errors", default=0))["errors"]
    yield count_of_trouble(number, "tally errors, last 24 hours", {"started_at__gte": since, "errors__gt": 0})
