"""A real S3 server for tests on a free port of the loopback, stopped by its pid.

versitygw, over a folder where each object is a file; or MinIO, where FREIGHTLAKE_S3_SERVER=minio.
"""

import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator

from s3_client import Bucket, Client

ROOT = pathlib.Path(__file__).resolve().parent.parent
SERVER = os.environ.get("FREIGHTLAKE_S3_SERVER") or "versitygw"
ACCESS_KEY, SECRET_KEY = "testkey", "testsecret-of-the-server"


class S3Server:
    """`environment` is what a client of it needs; versitygw has the objects of bucket B in the folder `data / B`."""

    def __init__(self, data: pathlib.Path, port: int):
        self.data, self.port = data, port
        self.endpoint = f"http://127.0.0.1:{port}"

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return kept | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
            **more,
        }

    def bucket(self, name: str) -> Bucket:
        """A new one, of any server."""
        client = Client(self.port, ACCESS_KEY, SECRET_KEY)
        client.ask("PUT", f"/{name}")
        return Bucket(client, name)

    def make_bucket(self, name: str) -> pathlib.Path:
        (self.data / name).mkdir()
        return self.data / name


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def find_program() -> str:
    """Builds it where that was never done; RuntimeError when it cannot be had."""
    done = subprocess.run([ROOT / "scripts" / "s3-server", SERVER], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError("the S3 server of the tests could not be built")
    return done.stdout.strip()


@contextlib.contextmanager
def s3_server(*options: str) -> Iterator[S3Server]:
    """`options` are the server's own, such as versitygw's --cert FILE."""
    program = find_program()
    with tempfile.TemporaryDirectory(prefix="freightlake-s3-") as folder:
        data = pathlib.Path(folder) / "data"
        data.mkdir()
        server = S3Server(data, free_port())
        log = pathlib.Path(folder) / "log"
        environment = {**os.environ, "ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY,
                       "MINIO_ROOT_USER": ACCESS_KEY, "MINIO_ROOT_PASSWORD": SECRET_KEY, "MINIO_UPDATE": "off",
                       "HOME": folder}  # fmt: skip
        address = f"127.0.0.1:{server.port}"
        words = (
            ["server", "--quiet", "--address", address, "--console-address", "127.0.0.1:0", *options, str(data)]
            if SERVER == "minio"
            else ["--port", address, "--quiet", *options, "posix", str(data)]
        )
        with log.open("w") as out:
            process = subprocess.Popen(
                [program, *words],
                stdout=out, stderr=out, env=environment,
            )  # fmt: skip
        try:
            wait_for(server.port, process, log)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_for(port: int, process: subprocess.Popen, log: pathlib.Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"the S3 server ended: {log.read_text()}")
        with contextlib.suppress(OSError, RuntimeError), socket.create_connection(("127.0.0.1", port), timeout=1):
            if SERVER == "minio":  # it listens before it is ready
                Client(port, ACCESS_KEY, SECRET_KEY).ask("GET", "/")
            return
        time.sleep(0.1)
    raise RuntimeError("the S3 server does not answer")
