"""Doubles of what hands out AWS credentials, and a gate before the S3 server of the tests that only lets those in.

`aws_doubles()` is one HTTP server on the loopback that speaks as

    STS                          POST /, AssumeRoleWithWebIdentity
    a container's endpoint       GET /container, with its authorization token
    an EC2 instance's metadata   version 2: PUT /latest/api/token first; without its token every answer is 401

and hands out a session of its own with each answer, good for `lifetime_s`.  `gate(server_port, doubles)` is a proxy that
checks signature, session token and expiry of every request, signs it anew for the server and passes it on.
"""

import contextlib
import dataclasses
import datetime
import hashlib
import http.server
import json
import re
import secrets
import threading
import time
import urllib.parse
from collections.abc import Iterator

from s3_client import signature
from s3_proxy import Handler, Proxy, s3_proxy
from s3_server import ACCESS_KEY, SECRET_KEY

ROLE = "freightlake-role"
ROLE_ARN = f"arn:aws:iam::123456789012:role/{ROLE}"


@dataclasses.dataclass
class Session:
    access_key: str
    secret_key: str
    token: str
    expires: float

    def expiration(self) -> str:
        return datetime.datetime.fromtimestamp(self.expires, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def as_json(self) -> str:
        return json.dumps({"Code": "Success", "AccessKeyId": self.access_key, "SecretAccessKey": self.secret_key,
                           "Token": self.token, "Expiration": self.expiration()})  # fmt: skip


class Doubles(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], lifetime_s: float):
        super().__init__(address, DoublesHandler)
        self.lifetime_s = lifetime_s
        self.url = f"http://{address[0]}:{self.server_address[1]}"
        self.lock = threading.Lock()
        self.sessions: list[Session] = []
        self.asked: list[tuple[str, str]] = []
        self.identity_token = secrets.token_hex(20)
        self.container_token = secrets.token_hex(20)
        self.metadata_token = secrets.token_hex(20)
        self.metadata_v1_only = False

    def issue(self) -> Session:
        with self.lock:
            number = len(self.sessions) + 1
            session = Session(f"ASIATEST{number:012}", secrets.token_hex(20), secrets.token_hex(30),
                              int(time.time() + self.lifetime_s))  # fmt: skip
            self.sessions.append(session)
            return session

    def all_secrets(self) -> list[str]:
        own = [self.identity_token, self.container_token, self.metadata_token]
        return own + [text for session in self.sessions for text in (session.secret_key, session.token)]


class DoublesHandler(http.server.BaseHTTPRequestHandler):
    server: Doubles

    def log_message(self, *words: object) -> None:
        pass

    def answer(self, status: int, body: str) -> None:
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def note(self) -> str:
        self.server.asked.append((self.command, self.path))
        return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()

    def do_POST(self) -> None:
        form = dict(urllib.parse.parse_qsl(self.note()))
        if form.get("Action") != "AssumeRoleWithWebIdentity" or form.get("RoleArn") != ROLE_ARN:
            self.answer(403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>")
        elif form.get("WebIdentityToken") != self.server.identity_token:
            self.answer(400, "<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>")
        else:
            session = self.server.issue()
            self.answer(200, '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
                        f"<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>{session.access_key}</AccessKeyId>"
                        f"<SecretAccessKey>{session.secret_key}</SecretAccessKey>"
                        f"<SessionToken>{session.token}</SessionToken><Expiration>{session.expiration()}</Expiration>"
                        "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>")  # fmt: skip

    def do_PUT(self) -> None:
        self.note()
        seconds = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "0")
        if self.path == "/latest/api/token" and 1 <= int(seconds) <= 21600 and not self.server.metadata_v1_only:
            self.answer(200, self.server.metadata_token)
        else:
            self.answer(404, "")

    def do_GET(self) -> None:
        self.note()
        roles = "/latest/meta-data/iam/security-credentials/"
        if self.path == "/container":
            good = self.headers.get("Authorization") == self.server.container_token
            self.answer(*((200, self.server.issue().as_json()) if good else (403, "{}")))
        elif self.headers.get("X-aws-ec2-metadata-token") != self.server.metadata_token:
            self.answer(401, "")
        elif self.path == roles:
            self.answer(200, ROLE)
        elif self.path == roles + ROLE:
            self.answer(200, self.server.issue().as_json())
        else:
            self.answer(404, "")


@contextlib.contextmanager
def aws_doubles(lifetime_s: float = 3600, address: tuple[str, int] = ("127.0.0.1", 0)) -> Iterator[Doubles]:
    doubles = Doubles(address, lifetime_s)
    thread = threading.Thread(target=doubles.serve_forever, daemon=True)
    thread.start()
    try:
        yield doubles
    finally:
        doubles.shutdown()
        doubles.server_close()


# ---- The gate ----


class GateHandler(Handler):
    """Refuses as S3 does what was not signed by a session of the doubles that still lasts."""

    def trouble(self, body: bytes) -> tuple[str, str] | None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        said = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/([^,]+), ?SignedHeaders=([^,]+), ?Signature=(\w+)",
                            headers.get("authorization", ""))  # fmt: skip
        if not said:
            return "AccessDenied", "Access Denied"
        access_key, scope, signed, given = said.groups()
        sessions = [session for session in self.server.doubles.sessions if session.access_key == access_key]
        if not sessions:
            return "InvalidAccessKeyId", "The access key is not known."
        names = signed.split(";")
        if headers.get("x-amz-security-token") != sessions[0].token or "x-amz-security-token" not in names:
            return "InvalidToken", "The token is not that of the session."
        if hashlib.sha256(body).hexdigest() != headers["x-amz-content-sha256"] or given != signature(
            self.command, self.path, headers, names, scope, sessions[0].secret_key
        ):
            return "SignatureDoesNotMatch", "The signature is another."
        if time.time() >= sessions[0].expires:
            return "ExpiredToken", "The provided token has expired."
        return None

    def headers_for_server(self) -> dict[str, str]:
        headers = {name.lower(): value for name, value in self.headers.items()}
        scope = headers.pop("authorization").split("Credential=")[1].split(",")[0].split("/", 1)[1]
        headers.pop("x-amz-security-token")
        names = sorted(name for name in headers if name in ("host", "range", "if-match") or name.startswith("x-amz-"))
        signed = signature(self.command, self.path, headers, names, scope, SECRET_KEY)
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={';'.join(names)}, Signature={signed}"
        )
        return headers


@contextlib.contextmanager
def gate(server_port: int, doubles: Doubles, pause_s: float = 0) -> Iterator[Proxy]:
    """Requests pass one after the other, each after a pause."""
    with s3_proxy(server_port, lambda i, m, p: time.sleep(pause_s), GateHandler) as proxy:
        proxy.doubles = doubles
        yield proxy
