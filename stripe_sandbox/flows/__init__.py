"""What goes across objects: money that comes, invoices that are collected, subscriptions that change and renew."""
