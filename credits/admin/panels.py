"""The groups of figures that credits add to the back office's first page."""

from core.admin.figures import Panel

SALES = Panel(10, "Credits sold, last 30 days")
OWED = Panel(20, "Owed in credits")
