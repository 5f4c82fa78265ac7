"""What every part of the HTTP API stands on: keys, scopes, exact JSON, one error envelope, pages of results."""
