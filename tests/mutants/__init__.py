"""Does a test notice? One small change of the source at a time, and the tests that should fail with it.

`python -m tests.mutants` tries a sample that is the same every time. See `__main__` for the rest.
"""
