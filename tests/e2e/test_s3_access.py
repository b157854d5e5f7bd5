"""How the program gets to S3: TLS, host names, encryption asked for, and every source of credentials.

Against a real server behind a gate that checks sessions, with doubles of what hands them out (tests/aws_doubles.py).  All
that the program prints, and all that it leaves in the bucket, is searched for the secrets.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from aws_doubles import ROLE_ARN, Doubles, aws_doubles, gate  # noqa: E402
from s3_proxy import Proxy, s3_proxy  # noqa: E402
from s3_server import ACCESS_KEY, SECRET_KEY, S3Server, s3_server  # noqa: E402

PROGRAM = os.path.abspath(os.environ["FREIGHTLAKE"])
SLOW = bool(os.environ.get("FREIGHTLAKE_SLOW"))
CONTAINER, INSTANCE = "169.254.170.2", "169.254.169.254"
COUNT = "SELECT count(*) AS n FROM 's3://freight/in/*.parquet'"
NO_KEYS = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "")


def run_program(server: S3Server, *words: object, code: int = 0, hidden: tuple[str, ...] = (),
                **environment: str) -> subprocess.CompletedProcess:  # fmt: skip
    done = subprocess.run([PROGRAM, *map(str, words)], env=server.environment(**environment), capture_output=True,
                          text=True, timeout=120, check=False)  # fmt: skip
    if done.returncode != code:
        raise AssertionError(f"{words}: exit {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    for secret in (SECRET_KEY, *hidden):
        if secret in done.stdout + done.stderr:
            raise AssertionError(f"{words}: a secret is shown")
    return done


def fill(server: S3Server) -> pathlib.Path:
    bucket = server.make_bucket("freight")
    run_program(server, "generate", "--rows", 500, "--out", bucket / "in")
    return bucket


class Tls(unittest.TestCase):
    """Certificates of a CA made here, for the name localhost alone."""

    @classmethod
    def setUpClass(cls) -> None:
        if not shutil.which("openssl"):
            raise unittest.SkipTest("there is no openssl to make certificates with")
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        for name in ("ca", "other"):
            cls.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
                        "basicConstraints=critical,CA:TRUE", "-keyout", f"{name}.key", "-out", f"{name}.pem")  # fmt: skip
        cls.openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "server.key",
                    "-out", "server.csr")  # fmt: skip
        (cls.folder / "names").write_text("subjectAltName=DNS:localhost\n")
        cls.openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                    "2", "-extfile", "names", "-out", "server.pem")  # fmt: skip
        folder = cls.folder
        cls.server = cls.enterClassContext(
            s3_server("--cert", str(folder / "server.pem"), "--key", str(folder / "server.key"))
        )
        fill(cls.server)

    @classmethod
    def openssl(cls, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=cls.folder, check=True, capture_output=True)

    def ask(self, host: str, ca: str, code: int) -> subprocess.CompletedProcess:
        return run_program(self.server, "query", COUNT, "--format", "ndjson", code=code, AWS_CA_BUNDLE=ca,
                           AWS_ENDPOINT_URL=f"https://{host}:{self.server.port}")  # fmt: skip

    def test_trusted(self) -> None:
        self.assertEqual(json.loads(self.ask("localhost", str(self.folder / "ca.pem"), 0).stdout), {"n": 500})

    def test_refused(self) -> None:
        for host, ca in (
            ("localhost", ""),
            ("localhost", "other.pem"),
            ("127.0.0.1", "ca.pem"),
            ("localhost", "none.pem"),
        ):
            with self.subTest(host=host, ca=ca):
                start = time.monotonic()
                said = self.ask(host, ca and str(self.folder / ca), 3).stderr
                self.assertIn("certificate", said)
                self.assertIn("AWS_CA_BUNDLE", said)
                self.assertLess(time.monotonic() - start, 5)  # not tried again and again


class Addresses(unittest.TestCase):
    def test_bucket_in_the_host_name(self) -> None:
        with s3_server("--virtual-domain", "s3.localhost") as server:
            fill(server)
            environment = {"AWS_ENDPOINT_URL": f"http://s3.localhost:{server.port}"}
            for style in ("virtual", "path"):
                said = run_program(server, "query", COUNT, "--format", "ndjson", **environment,
                                   FREIGHTLAKE_S3_ADDRESSING=style)  # fmt: skip
                self.assertEqual(json.loads(said.stdout), {"n": 500})

    def test_the_host_that_is_asked(self) -> None:
        with (
            s3_server("--virtual-domain", "s3.localhost") as server,
            s3_proxy(server.port, lambda i, m, p: None) as proxy,
        ):
            fill(server)
            run_program(server, "query", COUNT, FREIGHTLAKE_S3_ADDRESSING="virtual",
                        AWS_ENDPOINT_URL=proxy.endpoint.replace("127.0.0.1", "s3.localhost"))  # fmt: skip
            hosts = {exchange.asked["host"].split(":")[0] for exchange in proxy.exchanges}
            self.assertEqual(hosts, {"freight.s3.localhost"})
            self.assertEqual([exchange for exchange in proxy.exchanges if exchange.path.startswith("/freight")], [])


class Encryption(unittest.TestCase):
    KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"

    def puts(self, words: list[object], **environment: str) -> list[dict[str, str]]:
        with s3_server() as server, s3_proxy(server.port, lambda i, m, p: None) as proxy:
            server.make_bucket("freight")
            run_program(server, *words, AWS_ENDPOINT_URL=proxy.endpoint, **environment)
            return [
                exchange.asked for exchange in proxy.exchanges
                if (exchange.method == "PUT" and "partNumber" not in exchange.path)
                or (exchange.method == "POST" and "uploads" in exchange.path)
            ]  # fmt: skip

    def check(self, wanted: dict[str, str], **environment: str) -> None:
        small: list[object] = ["generate", "--rows", 500, "--out", "s3://freight/x"]
        large: list[object] = ["generate", "--rows", 900_000, "--unique-ids", "--codec", "uncompressed", "--out",
                               "s3://freight/y"]  # fmt: skip
        for words in (small, large, ["init", "s3://freight/lake"]):
            puts = self.puts(words, **environment)
            self.assertTrue(puts)
            for headers in puts:
                found = {name: value for name, value in headers.items() if "server-side-encryption" in name}
                self.assertEqual(found, wanted)
                signed = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
                self.assertLessEqual(set(wanted), set(signed))

    def test_without(self) -> None:
        self.check({})

    def test_sse_s3(self) -> None:
        self.check({"x-amz-server-side-encryption": "AES256"}, FREIGHTLAKE_S3_SSE="AES256")

    def test_sse_kms(self) -> None:
        self.check(
            {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": self.KEY},
            FREIGHTLAKE_S3_SSE="aws:kms", FREIGHTLAKE_S3_SSE_KMS_KEY_ID=self.KEY,
        )  # fmt: skip


class CredentialsCase(unittest.TestCase):
    """A bucket with files, and what is needed to ask for it by sessions of the doubles."""

    server: S3Server
    bucket: pathlib.Path

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.server = cls.enterClassContext(s3_server())
        cls.bucket = fill(cls.server)

    def doubles(self, lifetime_s: float = 3600, address: tuple[str, int] = ("127.0.0.1", 0)) -> Doubles:
        doubles = self.enterContext(aws_doubles(lifetime_s, address))
        self.identity = self.scratch / "identity"
        self.identity.write_text(doubles.identity_token + "\n")
        self.container = self.scratch / "container"
        self.container.write_text(doubles.container_token)
        return doubles

    def environments(self, doubles: Doubles) -> dict[str, dict[str, str]]:
        config = self.scratch / "config"
        config.write_text(f"[profile pod]\nrole_arn = {ROLE_ARN}\nweb_identity_token_file = {self.identity}\n")
        return {
            "a web identity": {"AWS_ROLE_ARN": ROLE_ARN, "AWS_WEB_IDENTITY_TOKEN_FILE": str(self.identity),
                               "AWS_ENDPOINT_URL_STS": doubles.url},
            "a web identity of the profile": {"AWS_PROFILE": "pod", "AWS_CONFIG_FILE": str(config),
                                              "AWS_ENDPOINT_URL_STS": doubles.url},
            "the container's role": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{doubles.url}/container",
                                     "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(self.container)},
            "the EC2 instance's role": {"AWS_EC2_METADATA_SERVICE_ENDPOINT": doubles.url,
                                        "AWS_EC2_METADATA_DISABLED": ""},
        }  # fmt: skip

    def work(self, doubles: Doubles, *words: object, code: int = 0, **environment: str) -> subprocess.CompletedProcess:
        return run_program(self.server, *words, code=code, hidden=tuple(doubles.all_secrets()), **NO_KEYS | environment)

    def check_all_valid(self, proxy: Proxy) -> None:
        self.assertGreater(len(proxy.exchanges), 0)
        self.assertEqual([exchange for exchange in proxy.exchanges if exchange.status == 403], [])


class Credentials(CredentialsCase):
    def test_every_source(self) -> None:
        doubles = self.doubles(3630)
        for source, environment in self.environments(doubles).items():
            with self.subTest(source), gate(self.server.port, doubles) as proxy:
                environment["AWS_ENDPOINT_URL"] = proxy.endpoint
                before = len(doubles.sessions)
                lake = f"s3://freight/lake-{before}"
                said = self.work(doubles, "query", COUNT, "--format", "ndjson", "--log-level", "debug", **environment)
                self.assertEqual(json.loads(said.stdout), {"n": 500})
                self.assertEqual(len(doubles.sessions), before + 1)  # many requests, one session
                self.work(doubles, "init", lake, "--log-level", "debug", **environment)
                said = self.work(doubles, "--lake", lake, "doctor", "--json", **environment).stdout
                self.assertIn(f"from {source.removesuffix(' of the profile')}, for 60 minutes", said)
                self.check_all_valid(proxy)
        left = [path.read_bytes() for path in self.bucket.rglob("*") if path.is_file()]
        self.assertTrue(left)
        for secret in [SECRET_KEY, *doubles.all_secrets()]:
            self.assertFalse(any(secret.encode() in content for content in left))

    def test_renewed_before_they_expire(self) -> None:
        """A job that outlasts its sessions: none is used after its end, and each is asked for once."""
        for source in ("a web identity", "the EC2 instance's role", "the container's role")[0 if SLOW else 2 :]:
            doubles = self.doubles(4)
            with self.subTest(source), gate(self.server.port, doubles, 0.25) as proxy:
                environment = self.environments(doubles)[source] | {"AWS_ENDPOINT_URL": proxy.endpoint}
                start = time.monotonic()
                lake = f"s3://freight/long-{source[:6].strip().replace(' ', '-')}"
                self.work(doubles, "init", lake, **environment)
                csv = self.scratch / "csv"
                self.work(doubles, "generate", "--rows", 500, "--format", "csv", "--out", csv)
                self.work(doubles, "--lake", lake, "onboard", "emart", "--sample", csv / "part-00000.csv", "--yes",
                          **environment)  # fmt: skip
                before, then = len(doubles.sessions), time.monotonic()
                self.work(doubles, "--lake", lake, "ingest", "emart", csv / "part-00000.csv", **environment)
                seconds = time.monotonic() - then
                self.assertGreater(seconds, doubles.lifetime_s)
                renewals = len(doubles.sessions) - before
                self.assertGreaterEqual(renewals, 2)
                self.assertLessEqual(renewals, 2 + seconds / 2)
                self.check_all_valid(proxy)
                self.assertLess(time.monotonic() - start, 60)

    def test_called_off_by_the_server(self) -> None:
        doubles = self.doubles()
        with gate(self.server.port, doubles) as proxy:
            proxy.choose = lambda i, m, p: "expired" if i == 2 else None
            environment = self.environments(doubles)["a web identity"] | {"AWS_ENDPOINT_URL": proxy.endpoint}
            said = self.work(doubles, "query", COUNT, "--format", "ndjson", **environment)
            self.assertEqual(json.loads(said.stdout), {"n": 500})
            self.assertEqual(len(doubles.sessions), 2)

    def test_soon_expired(self) -> None:
        doubles = self.doubles(500)
        with gate(self.server.port, doubles) as proxy:
            environment = self.environments(doubles)["the container's role"] | {"AWS_ENDPOINT_URL": proxy.endpoint}
            self.work(doubles, "init", "s3://freight/soon", **environment)
            said = self.work(doubles, "--lake", "s3://freight/soon", "doctor", **environment).stdout
            self.assertIn("for 8 minutes yet: they are renewed", said)

    def test_wrong_identity_token(self) -> None:
        doubles = self.doubles()
        self.identity.write_text("not-the-token-that-was-given")
        said = self.work(doubles, "query", COUNT, code=2, **self.environments(doubles)["a web identity"]).stderr
        self.assertIn("InvalidIdentityToken", said)
        self.assertIn("AWS_ROLE_ARN", said)
        self.assertNotIn("not-the-token-that-was-given", said)

    def test_wrong_container_token(self) -> None:
        doubles = self.doubles()
        self.container.write_text("not-the-token-that-was-given")
        said = self.work(doubles, "query", COUNT, code=2, **self.environments(doubles)["the container's role"]).stderr
        self.assertIn("HTTP 403", said)
        self.assertNotIn("not-the-token-that-was-given", said)

    def test_container_elsewhere(self) -> None:
        doubles = self.doubles()
        said = self.work(doubles, "query", COUNT, code=2,
                         AWS_CONTAINER_CREDENTIALS_FULL_URI="http://198.51.100.7/container").stderr  # fmt: skip
        self.assertIn("another machine without https", said)
        self.assertEqual(doubles.asked, [])

    def test_metadata_of_version_1(self) -> None:
        doubles = self.doubles()
        doubles.metadata_v1_only = True
        said = self.work(
            doubles, "query", COUNT, code=2, **self.environments(doubles)["the EC2 instance's role"]
        ).stderr
        self.assertIn("there are no AWS credentials", said)
        self.assertEqual(doubles.asked, [("PUT", "/latest/api/token")])

    def test_profiles_by_other_ways(self) -> None:
        doubles = self.doubles()
        config = self.scratch / "indirect"
        for key, value in {
            "source_profile": "base",
            "credential_process": "/bin/echo",
            "sso_session": "office",
        }.items():
            config.write_text(f"[profile base]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"
                              f"[profile night]\nrole_arn = {ROLE_ARN}\n{key} = {value}\n")  # fmt: skip
            said = self.work(doubles, "query", COUNT, code=3, AWS_PROFILE="night", AWS_CONFIG_FILE=str(config)).stderr
            self.assertIn(key, said)
            self.assertIn("export-credentials --profile night", said)


class LinkLocal(CredentialsCase):
    """The fixed addresses of ECS and EC2, in a network namespace of the test's own."""

    def test_fixed_addresses(self) -> None:
        network = f"ip link set lo up && ip addr add {CONTAINER}/32 dev lo && ip addr add {INSTANCE}/32 dev lo"
        words = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c"]
        if subprocess.run([*words, network], capture_output=True, check=False).returncode:
            self.skipTest("no network namespace can be made here")
        done = subprocess.run([*words, f'{network} && exec "$@"', "sh", sys.executable, __file__, "LinkLocal.inside"],
                              capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
        self.assertEqual((done.returncode, done.stdout), (0, "1 passed, 0 failed, 0 skipped\n"), done.stderr)

    def inside(self) -> None:
        for address, environment in (
            (CONTAINER, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/container",
                         "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(self.scratch / "container")}),
            (INSTANCE, {"AWS_EC2_METADATA_DISABLED": ""}),
        ):  # fmt: skip
            doubles = self.doubles(address=(address, 80))
            with self.subTest(address), gate(self.server.port, doubles) as proxy:
                # A proxy of the environment must not see what goes to this machine's own services.
                environment |= {"AWS_ENDPOINT_URL": proxy.endpoint, "http_proxy": "http://127.0.0.1:1",
                                "no_proxy": "127.0.0.1"}  # fmt: skip
                said = self.work(doubles, "query", COUNT, "--format", "ndjson", **environment)
                self.assertEqual(json.loads(said.stdout), {"n": 500})
                self.assertEqual(len(doubles.sessions), 1)


def main() -> int:
    try:
        with s3_server():
            pass
    except RuntimeError as error:
        print(f"skipped: {error}\n0 passed, 0 failed, 1 skipped")
        return 0
    result = unittest.main(exit=False, verbosity=2).result
    failed = len({str(getattr(test, "test_case", test)) for test, _ in result.failures + result.errors})
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
