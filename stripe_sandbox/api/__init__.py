"""One file per Stripe resource: the requests about it. `requests.py` carries one out, whatever it is about."""
