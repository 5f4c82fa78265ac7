"""The tally's runs, for staff to see what each did."""

from django.db import models

from accounts.models import Organization
from core.fields import QuantityField


class TallyRun(models.Model):
    """One settlement of everything that changed, or of one organization on demand."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    batches_left = models.PositiveIntegerField(default=0, help_text="Of organizations; a run without any is finished.")
    organizations = models.PositiveIntegerField(default=0)
    events = models.PositiveBigIntegerField(default=0)
    credits = QuantityField(default=0, help_text="Drawn, over all units.")
    seconds = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    errors = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-started_at", "-pk"]

    def __str__(self) -> str:
        return f"Tally of {self.started_at:%Y-%m-%d %H:%M} UTC"


class TallyTrouble(models.Model):
    """One organization that a run could not settle; the next run tries again."""

    run = models.ForeignKey(TallyRun, on_delete=models.CASCADE, related_name="troubles")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    error = models.TextField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.organization}: {self.error}"
