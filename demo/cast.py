"""Who lives in the demo."""

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission

from accounts.models import Membership, Organization, Role, User
from accounts.services.organizations import create_organization

PASSWORD = "northwind-demo-1"  # noqa: S105  printed at every start of the demo


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization with its members: email, name and role; the first one owns it."""

    name: str
    about: str
    members: tuple[tuple[str, str, str], ...]

    @property
    def external_id(self) -> str:
        return f"demo-{self.name.split()[0].lower()}"


NORTHWIND = Tenant(
    "Northwind Maps",
    "Pro, every month; credits for jobs, users and storage",
    (
        ("ada@northwind.example", "Ada Lovelace", Role.OWNER),
        ("bea@northwind.example", "Bea Billing", Role.BILLING_ADMIN),
        ("bob@northwind.example", "Bob Member", Role.MEMBER),
    ),
)
CONTOSO = Tenant("Contoso Games", "Free, close to its limit", (("carl@contoso.example", "Carl", Role.OWNER),))
FABRIKAM = Tenant(
    "Fabrikam Robotics", "Team, every year, five instances", (("fay@fabrikam.example", "Fay", Role.OWNER),)
)
LITWARE = Tenant("Litware Research", "pays as it goes", (("liam@litware.example", "Liam", Role.OWNER),))
ADATUM = Tenant("Adatum Shipping", "Pro, its card was declined", (("ann@adatum.example", "Ann", Role.OWNER),))
TENANTS = (NORTHWIND, CONTOSO, FABRIKAM, LITWARE, ADATUM)

STAFF = (
    ("staff@portal.example", "Stella Staff", True),
    ("support@portal.example", "Sven Support", False),
)


def is_settled() -> bool:
    """Whether the story was told to its end."""
    return User.objects.filter(email=STAFF[-1][0]).exists()


def settle(tenant: Tenant) -> Organization:
    """The organization and its people."""
    users = [_user(email, name) for email, name, _role in tenant.members]
    organization = create_organization(
        name=tenant.name, email=tenant.members[0][0], owner=users[0], external_id=tenant.external_id
    )
    for user, (_email, _name, role) in zip(users[1:], tenant.members[1:], strict=True):
        Membership.objects.get_or_create(organization=organization, user=user, defaults={"role": role})
    return organization


def hire_boss() -> User:
    """Staff who may do everything; first, since the story needs somebody to grant and refund."""
    email, name, _ = STAFF[0]
    return _user(email, name, is_staff=True, is_superuser=True)


def hire_support() -> User:
    """Staff who may only look; last, as the sign that the story is told to its end."""
    email, name, _ = STAFF[1]
    user = _user(email, name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return user


def logins() -> str:
    """What `make demo` prints."""
    lines = ["Sign in with any of these; the password is always " + PASSWORD, ""]
    for tenant in TENANTS:
        email, _name, _role = tenant.members[0]
        lines.append(f"{email:<26} {tenant.name}: {tenant.about}")
    lines.append("")
    for email, _name, is_boss in STAFF:
        lines.append(f"{email:<26} back office, {'may do everything' if is_boss else 'may only look'}")
    return "\n".join(lines)


def _user(email: str, name: str, **flags: bool) -> User:
    user = User.objects.filter(email=email).first()
    if user is None:
        user = User.objects.create_user(email, PASSWORD, name=name, **flags)
        EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    return user
