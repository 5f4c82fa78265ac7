"""dj-stripe's tables as of 2.11, in one step.

dj-stripe's own migrations build the tables of older releases first and take some five hundred columns away again, one by
one; that costs a minute for every new database, and a new database here is every test run and every first `make demo`.
After an upgrade of dj-stripe, `manage.py makemigrations djstripe` writes the difference here.
"""
