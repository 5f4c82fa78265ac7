"""Pages about plans: public prices, an organization's plan, its changes and invoices."""
