"""Memory that was freed and is used again: kept by the process while it works, given back when it is done.

glibc gives the top of its heap back to the system as soon as enough of it is free, and gets it again page by page.
An iteration that frees its states each time then spends up to a third of its time on page faults, now and then: which
iterations do depends on what lies where. No method is slow for that reason, so none is measured with it.
"""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # parameters of glibc's mallopt(3)
_NEVER = 2**31 - 1  # bytes
_FROM_THE_HEAP = 2**30  # bytes of one piece: larger ones come from the system and go back to it


def keep_freed_memory() -> None:
    """What is freed stays with this process, until it is given back. Without effect where malloc is not glibc's."""
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(_MMAP_THRESHOLD, _FROM_THE_HEAP)
        mallopt(_TRIM_THRESHOLD, _NEVER)


def give_back() -> None:
    """What is free goes back to the system."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
