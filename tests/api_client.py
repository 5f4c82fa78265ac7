"""A client of the HTTP API, as a product's backend would be one."""

from typing import Any

from rest_framework.test import APIClient

BASE = "/api/v1"


class KeyedClient(APIClient):
    """Sends JSON with a Bearer key. Addresses may be written as in the contract: `/holds` for `/api/v1/holds`."""

    default_format = "json"

    def __init__(self, key: str | None = None, **kwargs: Any) -> None:
        super().__init__(raise_request_exception=False, **kwargs)
        if key is not None:
            self.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")

    def generic(self, method: str, path: str, *args: Any, **kwargs: Any) -> Any:
        if path.startswith("/") and not path.startswith("/api/"):
            path = BASE + path
        return super().generic(method, path, *args, **kwargs)
