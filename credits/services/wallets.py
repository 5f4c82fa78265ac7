"""Finding and making wallets."""

from accounts.models import Organization
from credits.errors import UnknownUnit
from credits.models import Unit, Wallet


def get_unit(unit: Unit | str) -> Unit:
    """The unit of a code. Raises UnknownUnit."""
    if isinstance(unit, Unit):
        return unit
    found = Unit.objects.filter(pk=unit).first()
    if found is None:
        raise UnknownUnit(unit)
    return found


def ensure_wallet(*, organization: Organization, unit: Unit | str) -> Wallet:
    """The organization's wallet of this unit, made when first asked for. Raises UnknownUnit."""
    return Wallet.objects.get_or_create(organization=organization, unit=get_unit(unit))[0]


def unit_code(unit: Unit | str) -> str:
    """What the ledger calls a unit; whether there is one the ledger finds out by itself."""
    return unit.pk if isinstance(unit, Unit) else unit
