"""A real Spark standalone cluster on the loopback for tests: one master, two workers of one core each, stopped by their pids.

Spark comes from PyPI, what it needs for S3 from Maven Central through the Ivy that Spark brings; both are kept in the download
cache.  `environment` is what spark-submit needs to reach the cluster: it reads the cluster's own spark-defaults.conf.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator

from s3_server import free_port

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("FREIGHTLAKE_CACHE", pathlib.Path.home() / ".cache" / "freightlake"))
WORKERS = 2
JARS = (
    ("org.apache.hadoop", "hadoop-aws", "3.3.4", "53f9ae03c681a30a50aa17524bd9790ab596b28481858e54efd989a826ed3a4a"),
    (
        "com.amazonaws",
        "aws-java-sdk-bundle",
        "1.12.262",
        "873fe7cf495126619997bec21c44de5d992544aea7e632fdc77adb1a0915bae5",
    ),
)
QUIET = """\
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n
"""


class Unavailable(Exception):
    """Why there can be no Spark on this machine."""


def find_java() -> None:
    """Installs Java where it is missing and that is possible."""
    if not shutil.which("java"):
        subprocess.run([ROOT / "scripts" / "setup", "spark"], check=False)
    if not shutil.which("java"):
        raise Unavailable("Java is missing (apt-get install openjdk-17-jre-headless)")


def find_python() -> str:
    """A Python that has pyspark; installs it where that was never done."""
    words = [ROOT / "scripts" / "venv", ROOT / "tests" / "requirements-spark.txt"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=1800)
    if done.returncode != 0:
        raise Unavailable(f"pyspark cannot be installed: {done.stderr.strip()[-300:]}")
    return done.stdout.strip()


def find_home(python: str) -> pathlib.Path:
    words = [python, "-c", "import pyspark; print(pyspark.__path__[0])"]
    return pathlib.Path(subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip())


def is_whole(jar: pathlib.Path, sha256: str) -> bool:
    if not jar.is_file():
        return False
    with jar.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def find_jars(home: pathlib.Path) -> list[pathlib.Path]:
    """What Spark needs to read and write S3, downloaded where it is not there whole."""
    folder = CACHE / "spark-jars"
    ivy = next((home / "jars").glob("ivy-*.jar"))
    found = []
    for group, name, version, sha256 in JARS:
        jar = folder / f"{name}-{version}.jar"
        if not is_whole(jar, sha256):
            jar.unlink(missing_ok=True)
            words = [
                "java", "-jar", ivy, "-cache", CACHE / "ivy-s3", "-dependency", group, name, version, "-notransitive",
                "-types", "jar", "-confs", "default", "-retrieve", f"{folder}/[artifact]-[revision].[ext]",
            ]  # fmt: skip
            done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=1200)
            if not is_whole(jar, sha256):
                raise Unavailable(f"{group}:{name}:{version} cannot be downloaded: {done.stdout.strip()[-300:]}")
        found.append(jar)
    return found


class SparkCluster:
    def __init__(self, folder: pathlib.Path, memory: str):
        find_java()
        self.folder, self.memory = folder, memory
        self.python = find_python()
        self.home = find_home(self.python)
        self.port, self.web_port = free_port(), free_port()
        self.master = f"spark://127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen] = {}
        self.configuration = folder / "conf"
        self.configuration.mkdir()
        (self.configuration / "log4j2.properties").write_text(QUIET)
        classes = ":".join(map(str, find_jars(self.home)))
        settings = {
            "spark.master": self.master,
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.extraClassPath": classes,
            "spark.executor.extraClassPath": classes,
            "spark.driver.memory": "1g",
            "spark.executor.memory": memory,
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "4",
        }
        lines = [f"{name} {value}\n" for name, value in settings.items()]
        (self.configuration / "spark-defaults.conf").write_text("".join(lines))

    def environment(self, base: dict[str, str]) -> dict[str, str]:
        profiles = self.configuration / "no-profiles"  # Amazon's SDK complains of files that are not there
        profiles.touch()
        return {
            **base,
            "AWS_CONFIG_FILE": str(profiles),
            "AWS_SHARED_CREDENTIALS_FILE": str(profiles),
            "SPARK_HOME": str(self.home),
            "SPARK_CONF_DIR": str(self.configuration),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": self.python,
            "PATH": f"{self.home / 'bin'}:{base.get('PATH', os.defpath)}",
        }

    def start(self) -> None:
        base = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.run_class("master", base, "--port", self.port, "--webui-port", self.web_port)
        self.wait_for(lambda state: True)
        for number in range(WORKERS):
            self.run_class(
                f"worker-{number}", base, "--cores", 1, "--memory", self.memory, "--webui-port", 0,
                "--work-dir", self.folder / f"work-{number}", self.master,
            )  # fmt: skip
        self.wait_for(lambda state: state["aliveworkers"] == WORKERS)

    def run_class(self, name: str, base: dict[str, str], *words: object) -> None:
        kind = name.split("-")[0]
        command = [
            self.home / "bin" / "spark-class", f"org.apache.spark.deploy.{kind}.{kind.capitalize()}",
            "--host", "127.0.0.1", *words,
        ]  # fmt: skip
        environment = {**self.environment(base), "SPARK_DAEMON_MEMORY": "512m"}
        with (self.folder / f"{name}.log").open("w") as log:
            self.processes[name] = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, env=environment)

    def wait_for(self, condition) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"Spark's {name} ended: {self.log(name)}")
            with (
                contextlib.suppress(OSError, ValueError),
                urllib.request.urlopen(f"http://127.0.0.1:{self.web_port}/json/", timeout=5) as answer,
            ):
                if condition(json.load(answer)):
                    return
            time.sleep(0.2)
        raise RuntimeError("Spark's cluster does not come up: " + "\n".join(map(self.log, self.processes)))

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]

    def stop(self) -> None:
        for process in reversed(self.processes.values()):
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def spark_cluster(memory: str = "1g") -> Iterator[SparkCluster]:
    """`memory` is what each worker has.  Unavailable when Java or Spark cannot be had; shows the cluster's logs when what runs on it fails."""
    with tempfile.TemporaryDirectory(prefix="freightlake-spark-") as folder:
        cluster = SparkCluster(pathlib.Path(folder), memory)
        try:
            cluster.start()
            yield cluster
        except Exception:
            for name in cluster.processes:
                print(f"---- {name}\n{cluster.log(name)}")
            raise
        finally:
            cluster.stop()
