"""Structured logs: one JSON object a line, or coloured text for a person.

Requests and tasks carry a `request_id` or `task_id` on every line (django-structlog). Bodies are never logged; what
looks like a secret is masked wherever it stands.
"""

import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

SECRET_NAMES = re.compile(r"password|secret|token|authorization|cookie|signature|api_?key|^code$", re.IGNORECASE)
SECRET_VALUES = re.compile(
    r"\b(?:sk|rk|pk)_(?:test|live)_\w+"  # Stripe's keys
    r"|\bwhsec_[\w+/=]+"  # webhook secrets
    r"|\b[Bb]earer\s+\S+"
    r"|(?<=/reset/key/)[^/\s]+"  # links that were mailed
    r"|(?<=/confirm-email/)[^/\s]+"
    r"|(?<=/invitations/)[^/\s]+"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # user:password in an address
)
MASK = "[masked]"


def mask_secrets(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    return {
        name: MASK if SECRET_NAMES.search(name) and isinstance(value, str) else _masked(value)
        for name, value in event.items()
    }


def _masked(value: Any) -> Any:
    return SECRET_VALUES.sub(MASK, value) if isinstance(value, str) else value


def configure(*, as_json: bool, level: str) -> dict[str, Any]:
    """Set structlog up and return Django's LOGGING for the same lines from everybody else's loggers."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Processor]
    if as_json:
        last = [structlog.processors.format_exc_info, mask_secrets, structlog.processors.JSONRenderer()]
    else:
        plain = structlog.dev.plain_traceback
        last = [mask_secrets, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
                "foreign_pre_chain": [*shared, structlog.stdlib.ExtraAdder()],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's own handler prints through the root's; its request lines say what the middleware's say already.
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.request": {"level": "CRITICAL"},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            # Chatter of libraries, some of it with the bodies of requests.
            "stripe": {"level": "WARNING"},
            "urllib3": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
        },
    }
