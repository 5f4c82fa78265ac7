"""Pages about credits."""
