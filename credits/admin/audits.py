"""What the nightly audit found."""

from collections.abc import Iterator
from datetime import datetime

from django.contrib import admin

from core.admin.figures import TROUBLE, Figure, figures
from core.admin.records import ReadOnlyAdmin
from credits.models import AuditRun


@admin.register(AuditRun)
class AuditRunAdmin(ReadOnlyAdmin):
    list_display = ["at", "clean", "wallets", "entries", "duration_ms"]
    fields = ["at", "wallets", "entries", "duration_ms", "found"]

    @admin.display(boolean=True)
    def clean(self, run: AuditRun) -> bool:
        return run.is_clean

    @admin.display(description="differences")
    def found(self, run: AuditRun) -> str:
        return "\n".join(run.differences) or "None: every wallet adds up."


@figures(TROUBLE, AuditRun, order=50)
def last_audit(now: datetime) -> Iterator[Figure]:
    run = AuditRun.objects.first()
    if run is None:
        yield Figure("–", "ledger audit", note="not run yet")
        return
    found = len(run.differences)
    yield Figure(
        f"{found:,}",
        "differences in the ledger",
        {"id__exact": run.pk},
        note=f"audited {run.at:%-d %b %Y, %H:%M} UTC",
        is_alarming=found > 0,
    )
