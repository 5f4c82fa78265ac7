"""Measures the portal beside PostgreSQL itself, on the same server and in the same run."""
