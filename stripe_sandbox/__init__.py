"""A small stateful stand-in for the part of Stripe's API that the portal calls.

It runs in a process of its own, keeps its own state in one SQLite file, is spoken to only over HTTP by the official
``stripe`` library, and shares no code with the project. See ``docs/stripe-sandbox.md``.

A module imports only from those below it in this list (import-linter holds it):

====================  =====================================================================================
``testing.py``        start a sandbox inside a test; ``__main__.py`` and ``manage.py stripe_sandbox`` start it alone
``server.py``         the HTTP server, and which part answers a request
``control.py``        the ``/_sandbox/`` endpoints for developers and tests
``pages/``            what people see: checkout, invoice, customer portal, developer dashboard
``api/``              one file per resource of Stripe's API: its requests; ``requests.py`` carries one out
``flows/``            what goes across objects: payments, checkout, collection, renewals, changes, previews
``resources/``        one file per resource of Stripe's API: what the object is, and what can be done to it
``sandbox.py``        store, clock and background threads (webhooks, time) of one sandbox
``webhooks.py``       signing and delivering events, with switches to drop, repeat, reorder and delay
``clock.py``          the time, and who is called when something falls due
``world.py``          the unit of work a handler is given: read, change, emit, schedule
``store.py``          SQLite: objects, events, deliveries, idempotency keys, what falls due
the other files       one manner of the API each (errors, expansion, pagination, parameters, …) or one sum
                      (periods, pricing, proration, values)
====================  =====================================================================================
"""

API_VERSION = "2026-05-27.dahlia"
