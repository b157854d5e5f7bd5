"""What the tests themselves ask of an S3 server, over HTTP, so that it may be any: signatures, buckets, objects."""

import contextlib
import datetime
import hashlib
import hmac
import http.client
import urllib.parse
import xml.etree.ElementTree as ElementTree

REGION = "us-east-1"


def signature(method: str, target: str, headers: dict[str, str], signed: list[str], scope: str, secret: str) -> str:
    """Of a request by Signature Version 4; `scope` is DATE/REGION/s3/aws4_request."""
    path, _, query = target.partition("?")
    pairs = sorted(pair if "=" in pair else pair + "=" for pair in query.split("&") if pair)
    canonical = [method, path, "&".join(pairs)]
    canonical += [f"{name}:{' '.join(headers[name].split())}" for name in signed]
    canonical += ["", ";".join(signed), headers["x-amz-content-sha256"]]
    hashed = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashed])
    key = f"AWS4{secret}".encode()
    for part in [*scope.split("/"), to_sign]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


class Client:
    """A connection a request, which any thread may make."""

    def __init__(self, port: int, access_key: str, secret_key: str):
        self.port, self.access_key, self.secret_key = port, access_key, secret_key

    def ask(self, method: str, target: str, body: bytes = b"") -> tuple[http.client.HTTPResponse, bytes]:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        headers = {"host": f"127.0.0.1:{self.port}", "x-amz-date": now,
                   "x-amz-content-sha256": hashlib.sha256(body).hexdigest()}  # fmt: skip
        scope, signed = f"{now[:8]}/{REGION}/s3/aws4_request", sorted(headers)
        given = signature(method, target, headers, signed, scope, self.secret_key)
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={';'.join(signed)}, Signature={given}"
        )
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {target}: {answer.status} {content.decode()}")
        return answer, content


class Bucket:
    def __init__(self, client: Client, name: str):
        self.client, self.name = client, name

    def target(self, key: str) -> str:
        return f"/{self.name}/{urllib.parse.quote(key, safe='/~')}"

    def put(self, key: str, content: bytes) -> None:
        self.client.ask("PUT", self.target(key), content)

    def get(self, key: str) -> bytes:
        return self.client.ask("GET", self.target(key))[1]

    def keys(self, prefix: str = "") -> list[str]:
        found: list[str] = []
        space = "{http://s3.amazonaws.com/doc/2006-03-01/}"
        query = f"list-type=2&prefix={urllib.parse.quote(prefix, safe='~')}"
        more = ""
        while True:
            root = ElementTree.fromstring(self.client.ask("GET", f"/{self.name}?{more}{query}")[1])
            found += [entry.text or "" for entry in root.iterfind(f"{space}Contents/{space}Key")]
            token = root.findtext(f"{space}NextContinuationToken")
            if not token:
                return [key for key in found if not key.endswith("/")]
            more = f"continuation-token={urllib.parse.quote(token, safe='~')}&"
