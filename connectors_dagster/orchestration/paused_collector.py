"""Python's garbage collector, paused while many objects are made that stay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector() -> Iterator[None]:
    """Do not look for garbage until the end; what was made by then counts as old and is not looked through at once.

    Without it, each thousand new objects has Python look through those before, which are all still in use. As a
    decorator, it pauses the collector during calls.
    """
    if not gc.isenabled():  # somebody else has turned it off
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()  # moves everything to the oldest generation, which is looked through least
        gc.enable()
