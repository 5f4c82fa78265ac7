"""Credits over the API: wallets, ledger, grants, gift cards."""
