"""A store below a prefix in a bucket of S3, or of what speaks its language.

A request that fails is sent again: by pyarrow three times at once, then here until PATIENCE_S are over. Every failure
that remains is a StoreError that says what to do.
"""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem, resolve_s3_region

from bench.store.claim import Claim, holder
from bench.store.place import Place, StoreError

T = TypeVar("T")

PATIENCE_S = 300.0  # with a bucket that answered before; workers go on meanwhile
FIRST_PATIENCE_S = 10.0  # with one that never did
PAUSE_S = 0.5, 15.0  # between two tries, the first and the longest
OPTIONS = ("endpoint_override", "region", "scheme")  # in the address, as pyarrow names them
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")  # variables of AWS that pyarrow does not know
PERMISSIONS = "s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject"
HOPELESS = {
    "NO_SUCH_BUCKET": "there is no such bucket: make it, or correct the address",
    "ACCESS_DENIED": f"the bucket refuses these credentials; they need {PERMISSIONS}",
    "INVALID_ACCESS_KEY_ID": "the access key is not known there: see AWS_ACCESS_KEY_ID or ~/.aws/credentials",
    "SIGNATURE_DOES_NOT_MATCH": "the secret key is wrong: see AWS_SECRET_ACCESS_KEY or ~/.aws/credentials",
    "PERMANENT_REDIRECT": "the bucket is in another region: name it in the address, ?region=REGION",
    "HTTP status 301": "the bucket is in another region: name it in the address, ?region=REGION",
}


class Bucket(Place):
    def __init__(self, address: str):
        """From s3://bucket/prefix?endpoint_override=HOST:PORT&scheme=http&region=REGION. Raises StoreError."""
        place, options = parsed(address)
        self._shown, self._patience_s = address, FIRST_PATIENCE_S
        bucket = place.partition("/")[0]
        super().__init__(self.tried(lambda: connect(bucket, options, attempts=3)), place)
        self._once = self.tried(lambda: connect(bucket, options, attempts=1))
        self._patience_s = FIRST_PATIENCE_S  # the bucket itself was not asked yet

    def __str__(self) -> str:
        return self._shown

    def at(self, name: str) -> str:
        return f"s3://{self._base}/{name}"

    def report(self) -> Path:
        return Path("results") / "s3" / self._base / "report"  # beside no folder's store

    def replace(self, name: str, content: bytes | pa.Buffer) -> None:
        self.tried(lambda: self.put(name, content))

    def put(self, name: str, content: bytes | pa.Buffer) -> None:
        """By one request: all or nothing. Where it raises OSError, the object may be there, or come later."""
        with self._once.open_output_stream(f"{self._base}/{name}") as stream:
            stream.write(content)

    def check_writable(self) -> None:
        """Nothing but a write can tell: that of the claim, before anything else."""

    def lock(self) -> Claim:
        return Claim(self)

    def written_by(self) -> str | None:
        return holder(self)

    def journal(self, name: str) -> "ObjectJournal":
        return ObjectJournal(self, name)

    def tried(self, action: Callable[[], T]) -> T:
        """Raises StoreError where the bucket refuses, or fails too long; other errors as they come."""
        begin, pause = time.monotonic(), PAUSE_S[0]
        while True:
            try:
                outcome = action()
            except FileNotFoundError:
                raise
            except OSError as error:
                if "AWS Error" not in str(error):
                    raise
                if "NO_SUCH_KEY" in str(error):
                    raise FileNotFoundError(brief(error)) from error
                advice = next((told for sign, told in HOPELESS.items() if sign in str(error)), None)
                if advice or time.monotonic() - begin > self._patience_s:
                    waited = f"no answer for {self._patience_s:g} s; is the endpoint right, and the network?"
                    self._patience_s = FIRST_PATIENCE_S
                    raise StoreError(f"{self} cannot be used: {advice or waited} ({brief(error)})") from error
                time.sleep(pause)
                pause = min(2 * pause, PAUSE_S[1])
            else:
                self._patience_s = PATIENCE_S
                return outcome


class ObjectJournal:
    """One object that is written anew with every row, for nothing can be appended to it; a row costs one request.

    A request that failed for us may still arrive, late. So no name is used again after a failure or a removal: what
    is late finds nothing of value under its name.
    """

    def __init__(self, bucket: Bucket, name: str):
        self._bucket, self._stem = bucket, name.removesuffix(".jsonl")
        self._names: list[str] = []  # that hold rows of the journal, or may; the last one holds all
        self._used, self._fresh = 0, False  # whether nothing failed under the last name
        self._content = b""

    def append(self, lines: bytes) -> None:
        whole = self._content + lines

        def put() -> None:
            if not self._fresh:
                self._used += 1
                self._names.append(f"{self._stem}-{self._used}.jsonl")
            self._fresh = False
            self._bucket.put(self._names[-1], whole)
            self._fresh = True

        self._bucket.tried(put)
        self._content = whole

    def clear(self) -> None:
        while self._names:
            self._bucket.remove(self._names.pop())
        self._fresh, self._content = False, b""


def parsed(address: str) -> tuple[str, dict[str, str]]:
    """Bucket and prefix, and the options in the address. Raises StoreError."""
    url = urlsplit(address)
    if url.username or url.password:  # it would stand in every provenance record
        raise StoreError(f"{url.scheme}://{url.hostname}: no credentials in the address; AWS_ACCESS_KEY_ID and such")
    place = (url.netloc + url.path).rstrip("/")
    options = {name: values[-1] for name, values in parse_qs(url.query).items()}
    if not url.netloc or "//" in place:
        raise StoreError(f"{address} names no bucket and prefix: s3://BUCKET/PREFIX")
    if unknown := set(options) - set(OPTIONS):
        raise StoreError(f"{address}: unknown option {', '.join(sorted(unknown))}; there are: {', '.join(OPTIONS)}")
    return place, options


def connect(bucket: str, options: dict[str, str], attempts: int) -> S3FileSystem:
    """Raises OSError. Without an endpoint the bucket's own region is looked up."""
    found = next(filter(None, map(os.environ.get, ENDPOINTS)), None)
    if found and "endpoint_override" not in options:
        scheme, _, host = found.rpartition("://")
        options = {"endpoint_override": host.rstrip("/"), "scheme": scheme or "https"} | options
    if not {"endpoint_override", "region"} & set(options):
        options = options | {"region": resolve_s3_region(bucket)}
    retries = AwsStandardS3RetryStrategy(max_attempts=attempts)
    return S3FileSystem(**options, retry_strategy=retries, allow_delayed_open=True, background_writes=False)


def brief(error: OSError) -> str:
    """What AWS said, without its request ids."""
    return re.sub(r"\s*\((Request ID|x-amz)[^)]*\)", "", str(error)).strip()
