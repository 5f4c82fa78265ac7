"""A small stateful stand-in for the part of Stripe's API that the portal calls.

It runs in a process of its own, keeps its own state in one SQLite file, is spoken to only over HTTP by the official
``stripe`` library, and shares no code with the project. See ``docs/stripe-sandbox.md``.

Where things are:

====================  =====================================================================================
``server.py``         the HTTP server and the background threads (webhooks, clock)
``api.py``            one API request: key, faults, idempotency, parameters, handler, ``expand``, answer
``routes.py``         which function answers which method and path
``parameters.py``     checks request parameters against the types of the installed ``stripe`` package
``store.py``          SQLite: objects, events, deliveries, idempotency keys, what falls due
``world.py``          the unit of work a handler is given: read, change, emit, schedule
``resources/``        one file per Stripe resource: the rules
``webhooks.py``       signing and delivering events, with switches to drop, repeat, reorder and delay
``timeline.py``       moving the clock: everything that falls due, in order
``pages/``            what people see: checkout, invoice, customer portal, developer dashboard
``control.py``        the ``/_sandbox/`` endpoints for developers and tests
``testing.py``        start a sandbox inside a test
====================  =====================================================================================
"""

API_VERSION = "2026-05-27.dahlia"
