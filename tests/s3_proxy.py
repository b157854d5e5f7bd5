"""A proxy between the program and the S3 server of the tests, which does what networks and servers do on bad days.

Every request is passed on unchanged, unless `choose(number, method, path)` names a fault for it:

    unavailable    503, and the server never sees it
    slow_down      503 SlowDown, with S3's words
    reset          the connection is reset in the middle of the answer's body
    stalled        the answer's body stops half-way, and the connection stays
    lost           the server does it, and the answer never comes
    corrupt        a byte of the object is another; lists have no checksum, and pass
    skewed         403 RequestTimeTooSkewed, once the server's clock; the server never sees it
    expired        403 ExpiredToken

What was asked and answered is in `exchanges`.
"""

import contextlib
import dataclasses
import email.utils
import http.client
import http.server
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

WORDS = {
    "slow_down": (503, "SlowDown", "Please reduce your request rate."),
    "skewed": (
        403,
        "RequestTimeTooSkewed",
        "The difference between the request time and the server's time is too large.",
    ),
    "expired": (403, "ExpiredToken", "The provided token has expired."),
}
SKEW_SECONDS = 3 * 3600


@dataclasses.dataclass
class Exchange:
    method: str
    path: str
    asked: dict[str, str]  # headers, names in lower case
    status: int
    sent_bytes: int  # of the body
    got_bytes: int


class Proxy(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, target_port: int, choose: Callable[[int, str, str], str | None], handler: type):
        super().__init__(("127.0.0.1", 0), handler)
        self.target_port, self.choose = target_port, choose
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"
        self.lock, self.requests, self.faults, self.closing = threading.Lock(), 0, {}, threading.Event()
        self.exchanges: list[Exchange] = []

    def next_fault(self, method: str, path: str) -> str | None:
        with self.lock:
            self.requests += 1
            fault = self.choose(self.requests, method, path)
            if fault:
                self.faults[fault] = self.faults.get(fault, 0) + 1
            return fault

    def handle_error(self, request: object, client_address: object) -> None:
        """Connections end here in every way; none of them is the proxy's trouble."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def log_message(self, *words: object) -> None:
        pass

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.sent_bytes = len(body)
        fault = self.server.next_fault(self.command, self.path)
        trouble = self.trouble(body)
        if trouble:
            self.refuse(403, *trouble, "")
        elif fault == "unavailable":
            self.answer(503, [("Content-Length", "0")], b"")
        elif fault in WORDS:
            self.refuse(*WORDS[fault], fault)
        else:
            self.ask(body, fault)

    def trouble(self, body: bytes) -> tuple[str, str] | None:
        """S3's code and message where the request is refused."""

    def headers_for_server(self) -> dict[str, str]:
        return dict(self.headers.items())

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = pass_on

    def refuse(self, status: int, code: str, message: str, fault: str) -> None:
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        now = time.time() + (SKEW_SECONDS if fault == "skewed" else 0)
        self.answer(
            status, [("Date", email.utils.formatdate(now, usegmt=True)), ("Content-Length", str(len(body)))], body
        )

    def ask(self, body: bytes, fault: str | None) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.target_port, timeout=60)
        try:
            connection.request(self.command, self.path, body or None, self.headers_for_server())
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if fault == "lost":
            self.reset()
            return
        if fault == "corrupt" and content and self.command == "GET" and "?" not in self.path:
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() != "transfer-encoding"]
        if not any(name.lower() == "content-length" for name, _ in headers):
            headers.append(("Content-Length", str(len(content))))
        if fault in ("reset", "stalled"):
            self.answer(answer.status, headers, content[: len(content) // 2])
            if fault == "stalled":
                self.server.closing.wait(30)
            self.reset()
            return
        self.answer(answer.status, headers, content)

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        asked = {name.lower(): value for name, value in self.headers.items()}
        self.server.exchanges.append(Exchange(self.command, self.path, asked, status, self.sent_bytes, len(body)))
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


@contextlib.contextmanager
def s3_proxy(
    target_port: int, choose: Callable[[int, str, str], str | None], handler: type = Handler
) -> Iterator[Proxy]:
    proxy = Proxy(target_port, choose, handler)
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.closing.set()
        proxy.shutdown()
        proxy.server_close()
