"""People, organizations and keys in the back office."""

from accounts.admin import api_keys, organizations, users

__all__ = ["api_keys", "organizations", "users"]
