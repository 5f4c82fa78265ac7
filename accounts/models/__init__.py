"""People, the organizations they belong to, and the keys their programs use."""

from accounts.models.api_key import ApiKey
from accounts.models.invitation import Invitation
from accounts.models.organization import Membership, Organization, Role
from accounts.models.user import User

__all__ = ["ApiKey", "Invitation", "Membership", "Organization", "Role", "User"]
