"""A server of S3 for tests: moto's, in a thread of this process, on a free port of loopback."""

import itertools
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "planted-key", "AWS_SECRET_ACCESS_KEY": "planted-secret"}
FAILURE = b"<Error><Code>InternalError</Code><Message>planted</Message></Error>"
REFUSAL = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


@dataclass
class Server:
    """Requests pass through `fault`, which says of each, by its number from 1 and its method, how it fails."""

    port: int = 0
    fault: Callable[[int, str], tuple[str, bytes] | None] = lambda number, method: None
    requests: list[str] = field(default_factory=list)  # their methods and paths

    def address(self, prefix: str, bucket: str = "bucket") -> str:
        return f"s3://{bucket}/{prefix}?endpoint_override=127.0.0.1:{self.port}&scheme=http&region=us-east-1"


def every_fifth_fails(number: int, _method: str) -> tuple[str, bytes] | None:
    return ("500 Internal Server Error", FAILURE) if number % 5 == 0 else None


def writing_is_refused(_number: int, method: str) -> tuple[str, bytes] | None:
    return ("403 Forbidden", REFUSAL) if method == "PUT" else None


def everything_is_refused(_number: int, _method: str) -> tuple[str, bytes] | None:
    return "403 Forbidden", REFUSAL


@contextmanager
def serving() -> Iterator[Server]:
    """A server with one empty bucket, `bucket`."""
    moto = DomainDispatcherApplication(create_backend_app)
    server, numbers = Server(), itertools.count(1)

    def application(environ, start_response):
        server.requests.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        failure = server.fault(next(numbers), environ["REQUEST_METHOD"])
        if failure is None:
            return moto(environ, start_response)
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response(failure[0], [("Content-Type", "application/xml"), ("Content-Length", str(len(failure[1])))])
        return [failure[1]]

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    listening = make_server("127.0.0.1", 0, application, threaded=True)
    server.port = listening.server_port
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        make_bucket(server.port)
        yield server
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


def make_bucket(port: int) -> None:
    from pyarrow.fs import S3FileSystem

    where = {"endpoint_override": f"127.0.0.1:{port}", "scheme": "http", "region": "us-east-1"}
    S3FileSystem(access_key="k", secret_key="s", allow_bucket_creation=True, **where).create_dir("bucket")
