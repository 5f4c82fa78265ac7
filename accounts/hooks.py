"""What higher apps do when something happens here. They fill these lists in their `AppConfig.ready()`."""

from collections.abc import Callable

from accounts.models import Organization

OrganizationCallback = Callable[[Organization], None]
_organization_created: list[OrganizationCallback] = []


def on_organization_created(callback: OrganizationCallback) -> OrganizationCallback:
    """Call `callback(organization)` in the transaction that makes an organization.

    Whatever leaves the database belongs into a task queued with `transaction.on_commit`.
    """
    if callback not in _organization_created:
        _organization_created.append(callback)
    return callback


def organization_created(organization: Organization) -> None:
    for callback in _organization_created:
        callback(organization)
