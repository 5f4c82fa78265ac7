"""`make demo`: the whole portal on one machine, with a catalogue, customers and a history to look at.

`launcher` starts it; `catalogue.toml` is what it sells, `cast` who lives in it, `story` what has happened to them. It
is an app of Django where `DEMO` or `DEBUG` is on, and no part of an installation.
"""
