"""The usage pages of an organization."""
