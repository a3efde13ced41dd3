"""One writer a bucket: an object that says who writes, renewed as long as it does.

A bucket has no locks. Whoever wants to write puts a claim of its own, then looks for those of others: of two at
once at least one sees the other, and gives way. A claim is stale if its process is gone from this machine, or if
nobody has renewed it for STALE_S by the bucket's own clock. Were two to write in spite of that, cells would be
computed twice and nothing lost: rows are keyed by run, and files have names of their own.
"""

import json
import os
import socket
import threading
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from bench.store.lock import this_process
from bench.store.place import Place, StoreError

PATTERN = ".lock-*"
RENEW_S = 20.0
STALE_S = 180.0


class Claim:
    """The right to write to a store in a bucket, until it is closed, or is taken because nobody renewed it."""

    def __init__(self, bucket: Place):
        """Raises StoreError if another process has it."""
        self._bucket, self._name = bucket, f".lock-{uuid.uuid4().hex}"
        self._lost, self._done = False, threading.Event()
        own = {"holder": this_process(), "machine": machine(), "pid": os.getpid(), "began": began(os.getpid())}
        self._content = json.dumps(own).encode()
        bucket.replace(self._name, self._content)
        try:
            self._displace_others()
        except BaseException:
            bucket.remove(self._name)
            raise
        self._thread = threading.Thread(target=self._renew, daemon=True, name="claim")
        self._thread.start()

    def _displace_others(self) -> None:
        now = self._bucket.modified(self._name)
        for name in self._bucket.names(PATTERN):
            if name == self._name:
                continue
            if other := living(self._bucket, name, now):
                raise StoreError(f"{self._bucket} is being written by {other}")
            self._bucket.remove(name)

    def _renew(self) -> None:
        while not self._done.wait(RENEW_S):
            with suppress(OSError, StoreError):  # another time
                if self._bucket.modified(self._name) is None:
                    self._lost = True
                    return
                self._bucket.replace(self._name, self._content)

    def check(self) -> None:
        """Raises StoreError if another process has taken the store."""
        if self._lost:
            told = f"this run could not reach it for {STALE_S:g} s, and another took over; what was done is kept"
            raise StoreError(f"{self._bucket} cannot be written any more: {told}")

    def close(self) -> None:
        self._done.set()
        self._thread.join(timeout=10)  # or it could put the claim back
        self._bucket.remove(self._name)


def holder(bucket: Place) -> str | None:
    """Who writes; judged by this machine's clock, for a reader leaves nothing that the bucket could date."""
    now = datetime.now(UTC).timestamp()
    return next(filter(None, (living(bucket, name, now) for name in bucket.names(PATTERN))), None)


def living(bucket: Place, name: str, now: float | None) -> str | None:
    """Who holds a claim; None if it is stale."""
    try:
        claim = json.loads(bucket.read(name))
        renewed = bucket.modified(name)
    except FileNotFoundError:
        return None
    if claim["machine"] == machine():
        return claim["holder"] if began(claim["pid"]) == claim["began"] else None
    return claim["holder"] if renewed is not None and now is not None and now - renewed < STALE_S else None


def machine() -> str:
    """What tells where a number of a process holds: the host, since its start, and the container."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{socket.gethostname()} {boot} {os.readlink('/proc/self/ns/pid')}"


def began(pid: int) -> str | None:
    """When a process began, in ticks since the boot; None if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None
