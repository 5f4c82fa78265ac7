"""What names an organization in the API."""

from typing import Any

from core.api.serializers import PublicIdField


class OrganizationIdField(PublicIdField):
    """`org_…`. The view turns it into a row with `organization_or_404`, which knows how far the key reaches."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"help_text": "Public id of the organization, `org_…`.", **kwargs})
