"""Django's PostgreSQL backend, with the server started before the first connection of a process."""

from pathlib import Path
from typing import Any

from django.db.backends.postgresql import base

from embedded_postgres.server import Server


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        Server(Path(self.settings_dict["EMBEDDED_DATA_DIR"])).join()
        return super().get_new_connection(conn_params)
