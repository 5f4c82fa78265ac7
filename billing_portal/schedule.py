"""Celery beat's timetable, all times UTC."""

from typing import Any

from celery.schedules import crontab

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    # Stripe's events whose task was lost, whose worker died, or whose retry has come.
    "sweep-stripe-events": {"task": "payments.tasks.sweep_stripe_events", "schedule": 60},
    "reconcile-stripe": {"task": "payments.tasks.reconcile_stripe", "schedule": crontab(minute="17", hour="*/3")},
    "delete-old-idempotent-requests": {
        "task": "core.tasks.delete_old_idempotent_requests",
        "schedule": crontab(minute="40", hour="3"),
    },
    # Finished events and messages, after LOGS_KEPT_DAYS.
    "delete-finished-events": {
        "task": "payments.tasks.delete_finished_events",
        "schedule": crontab(minute="45", hour="3"),
    },
    "delete-old-messages": {
        "task": "notifications.tasks.delete_old_messages",
        "schedule": crontab(minute="50", hour="3"),
    },
    "expire-credits": {"task": "credits.tasks.expire_credits", "schedule": crontab(minute="*/15")},
    "warn-of-expiry": {"task": "credits.tasks.warn_of_expiry", "schedule": crontab(minute="5")},
    "sweep-payments": {"task": "credits.tasks.sweep_payments", "schedule": 120},
    "sweep-holds": {"task": "usage.tasks.sweep_holds", "schedule": 60},
    "audit-ledger": {"task": "credits.tasks.audit_ledger", "schedule": crontab(minute="20", hour="4")},
    # Plans: what a lost task or answer left out, totals for Stripe's meters, and overdue invoices.
    "plans-hourly-round": {"task": "plans.tasks.hourly_round", "schedule": crontab(minute="10")},
    "deliver-billed-usage": {"task": "plans.tasks.deliver_billed_usage", "schedule": 60},
    "run-dunning": {"task": "plans.tasks.run_dunning", "schedule": crontab(minute="25")},
    # Usage: pay for what goes beyond what is included, and tell of included usage that is running out.
    "tally": {"task": "usage.tasks.tally_all", "schedule": crontab(minute="0", hour="0,6,12,18")},
    "check-meters": {"task": "usage.tasks.check_meters", "schedule": 60},
    # Emails and webhooks whose task was lost, or whose retry has come.
    "sweep-notifications": {"task": "notifications.tasks.sweep_notifications", "schedule": 15},
}
