"""Finding and making wallets."""

from collections.abc import Iterable
from decimal import Decimal

from accounts.models import Organization
from core.errors import OutOfRange
from core.locks import for_update
from core.quantities import LARGEST
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


def lock_wallets(*, organization_ids: Iterable[int]) -> None:
    """Lock all wallets of these organizations, in id order: first thing where several are posted to one by one."""
    wallets = Wallet.objects.filter(organization_id__in=list(organization_ids))
    list(for_update(wallets, no_key=True).values_list("pk"))


def refuse_overflow(*, organization: Organization, unit: Unit, amount: Decimal) -> None:
    """Before money is taken for credits that could not be granted. Raises OutOfRange."""
    wallet = Wallet.objects.filter(organization=organization, unit=unit).first()
    if wallet is not None and wallet.balance + amount > LARGEST:
        raise OutOfRange


def unit_code(unit: Unit | str) -> str:
    """What the ledger calls a unit; whether there is one the ledger finds out by itself."""
    return unit.pk if isinstance(unit, Unit) else unit
