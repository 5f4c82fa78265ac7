"""What the nightly audit found."""

from django.contrib import admin

from accounts.admin.shared import ReadOnlyAdmin
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
