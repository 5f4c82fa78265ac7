"""Where checkout pages may lead back to."""

import pytest

from core.errors import InvalidInput
from plans.services.return_urls import require_allowed


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "https://me:secret@shop.example/", "https://shop.example:x/"]
)
def test_an_origin_that_the_operator_mistyped_allows_no_other(settings, address):
    settings.CHECKOUT_ALLOWED_ORIGINS = ["shop.example", "https://you:secret@shop.example", "https://shop.example:y"]
    with pytest.raises(InvalidInput, match="must lie under the portal's address"):
        require_allowed(address, field="success_url")
