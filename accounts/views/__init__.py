"""The account pages: home, team, invitations, organizations, keys, profile."""
