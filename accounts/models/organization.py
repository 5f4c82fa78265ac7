"""The tenant that pays, and who belongs to it."""

from django.db import models
from django.urls import reverse
from django.utils import timezone

from accounts.models.user import LowercaseEmailField, User
from core.public_ids import PublicIdField


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    BILLING_ADMIN = "billing_admin", "Billing admin"
    MEMBER = "member", "Member"


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def of(self, user: User) -> "OrganizationQuerySet":
        return self.filter(memberships__user=user)


class Organization(models.Model):
    """Pays for usage; everything bought, held or counted belongs to exactly one."""

    public_id = PublicIdField("org")
    name = models.CharField(max_length=120)
    email = LowercaseEmailField("billing email", help_text="Receipts and notices go here.")
    external_id = models.CharField(
        max_length=255,
        null=True,
        blank=True,
        unique=True,
        help_text="The product's own id of this organization, given when it is made through the API.",
    )
    suspended_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="organization_has_a_name"),
            models.CheckConstraint(condition=~models.Q(external_id=""), name="organization_external_id_is_not_empty"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("overview", kwargs={"org_id": self.public_id})


class MembershipQuerySet(models.QuerySet["Membership"]):
    def owners(self) -> "MembershipQuerySet":
        return self.filter(role=Role.OWNER)

    def in_page_order(self) -> "MembershipQuerySet":
        """Owners first, then billing admins, then members, each by email."""
        rank = models.Case(
            *(models.When(role=role, then=position) for position, role in enumerate(Role.values)),
            output_field=models.SmallIntegerField(),
        )
        return self.order_by(rank, "user__email")


class Membership(models.Model):
    """A user's role in an organization."""

    public_id = PublicIdField("mem")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["organization", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="one_membership_per_user_and_organization"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()} of {self.organization}"
