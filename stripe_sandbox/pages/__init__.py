"""The hosted pages: checkout, authentication, receipts, invoices, the customer portal. Plain HTML, no JavaScript."""
