"""What a process that lives for weeks does once at its start."""

import gc


def keep_what_is_loaded() -> None:
    """Take what was loaded until now out of the garbage collector's rounds: it lives as long as the process.

    Hundreds of thousands of objects would else be walked over and over while thousands of rows come and go; that was a
    fifth of the processor time of a tally.
    """
    gc.collect()
    gc.freeze()
