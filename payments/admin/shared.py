"""What the admin pages of this app have in common."""

import json

from django.utils.html import format_html


def pretty(value: object) -> str:
    """JSON for people."""
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))
