#!/usr/bin/env python3
"""setup.py: gives a Kestra on this machine its secrets, values and flows.

    setup.py secrets SSM_PATH --user MAIL    makes .env of the parameters below SSM_PATH that Terraform names
    setup.py values [KEY=VALUE]... [--file FILE] [--ssm SSM_PATH]
    setup.py flows [FOLDER | s3://BUCKET/flows]

Kestra is KESTRA_URL (http://127.0.0.1:8080 when not set); its user and password are KESTRA_ADMIN_USER and
KESTRA_ADMIN_PASSWORD of the environment, else of .env.  No secret is a word of a command line.  Wants the AWS CLI where
an SSM path or a bucket is given.
"""

import argparse
import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
NAMESPACE = "freightlake"
# The variable of .env, and the parameter below the path.
SECRETS = {
    "KESTRA_DATABASE_PASSWORD": "kestra/database-password",
    "KESTRA_ADMIN_PASSWORD": "kestra/admin-password",
    "KESTRA_ENCRYPTION_KEY": "kestra/encryption-key",
    "ALERT_WEBHOOK_URL_BASE64": "alert-webhook-url",
}
VALUES = ["lake", "aws_region", "emr_job_flow", "spark_job_uri"]


def stop(message: str) -> None:
    sys.exit(f"setup.py: error: {message}")


def aws(*words: str) -> str:
    try:
        done = subprocess.run(["aws", *words], capture_output=True, text=True)
    except FileNotFoundError:
        stop("the AWS CLI is not there; hint: apt-get install awscli")
    if done.returncode:
        stop(f"aws {' '.join(words[:2])}: {done.stderr.strip()}")
    return done.stdout


def parameters(path: str, names: list[str]) -> dict[str, str]:
    """Each parameter's value by its name below the path; one that is missing or empty stops."""
    full = [f"{path.rstrip('/')}/{name}" for name in names]
    told = json.loads(aws("ssm", "get-parameters", "--with-decryption", "--output", "json", "--names", *full))
    found = {one["Name"]: one["Value"].strip("\r\n") for one in told["Parameters"]}
    missing = [name for name in full if not found.get(name)]
    if missing:
        stop(
            f"SSM has no {', '.join(missing)}; hint: docs/deploy.md, section 3, puts secrets; `terraform apply` the rest"
        )
    return {name: found[whole] for name, whole in zip(names, full, strict=True)}


def read_env(path: pathlib.Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    return dict(re.findall(r"^([A-Z0-9_]+)='?(.*?)'?$", path.read_text(), re.M))


def secrets(args: argparse.Namespace) -> None:
    """Whole and readable by its owner alone from its first byte on, or as it was before."""
    before = read_env(args.env)
    given = parameters(args.path, list(SECRETS.values()))
    values = {name: given[parameter] for name, parameter in SECRETS.items()}
    values["ALERT_WEBHOOK_URL_BASE64"] = base64.b64encode(values["ALERT_WEBHOOK_URL_BASE64"].encode()).decode()
    values["KESTRA_ADMIN_USER"] = args.user or before.get("KESTRA_ADMIN_USER", "")
    values["FREIGHTLAKE_DATA"] = args.data or before.get("FREIGHTLAKE_DATA") or "/var/lib/freightlake"
    if not values["KESTRA_ADMIN_USER"]:
        stop("Kestra's first user has no name; hint: --user MAIL")
    for name, value in values.items():
        if not value.isprintable() or "'" in value:
            stop(f"{name} has a quote or a character that does not print; hint: put another value")
    file, name = tempfile.mkstemp(prefix=".env-", dir=args.env.parent)
    try:
        with os.fdopen(file, "w") as out:
            out.write("".join(f"{key}='{value}'\n" for key, value in values.items()))
            out.flush()
            os.fsync(out.fileno())
        os.replace(name, args.env)
    except OSError:
        os.unlink(name)
        raise
    print(f"{args.env} has {len(values)} values; `docker compose up --detach --wait` takes them up")


def call(args: argparse.Namespace, method: str, path: str, kind: str, body: bytes) -> int:
    """The status; one that is neither 2xx nor 404 stops."""
    known = {**read_env(args.env), **os.environ}
    user, password = known.get("KESTRA_ADMIN_USER", ""), known.get("KESTRA_ADMIN_PASSWORD", "")
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    url = os.environ.get("KESTRA_URL", "http://127.0.0.1:8080").rstrip("/") + "/api/v1/main" + path
    headers = {"Content-Type": kind, "Authorization": f"Basic {login}"}
    try:
        request = urllib.request.Request(url, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return 404
        said = error.read(500).decode(errors="replace")
        hint = "401: KESTRA_ADMIN_USER and KESTRA_ADMIN_PASSWORD; 422: the flow is not valid for this Kestra"
        stop(f"Kestra answers {error.code} to {method} {path}: {said}; hint: {hint}")
    except OSError as error:
        stop(f"no Kestra at {url}: {error}; hint: docker compose up --detach --wait, or KESTRA_URL")


def values(args: argparse.Namespace) -> None:
    given = {}
    if args.ssm:
        given |= {
            name.split("/")[1]: value for name, value in parameters(args.ssm, [f"kestra/{k}" for k in VALUES]).items()
        }
    if args.file:
        given |= json.loads(sys.stdin.read() if args.file == "-" else pathlib.Path(args.file).read_text())
    given |= dict(pair.partition("=")[::2] for pair in args.pairs)
    strange = set(given) - set(VALUES)
    if strange or not given:
        stop(f"flows read no {', '.join(sorted(strange)) or 'such values'}; hint: they are {', '.join(VALUES)}")
    for key, value in given.items():
        path = f"/namespaces/{NAMESPACE}/kv/{key}"
        if call(args, "PUT", path, "text/plain", json.dumps(value).encode()) == 404:
            stop(f"Kestra knows no {path}; hint: KESTRA_URL is that of Kestra 2.0")
        print(f"Kestra has the value {key}")


def flows(args: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as fetched:
        folder = pathlib.Path(args.source)
        if args.source.startswith("s3://"):
            aws("s3", "cp", "--recursive", "--only-show-errors", args.source, fetched)
            folder = pathlib.Path(fetched)
        files = sorted(folder.glob("*.yaml"))
        if not files:
            stop(f"{args.source} has no flow; hint: make deploy BUCKET=NAME sends them")
        for file in files:
            body = file.read_bytes()
            if call(args, "PUT", f"/flows/{NAMESPACE}/{file.stem}", "application/x-yaml", body) == 404:
                call(args, "POST", "/flows", "application/x-yaml", body)
            print(f"Kestra has the flow {file.stem}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="setup.py", description="Gives Kestra its secrets, values and flows.")
    parser.add_argument("--env", type=pathlib.Path, default=HERE / ".env")
    kinds = parser.add_subparsers(required=True, metavar="secrets|values|flows")
    one = kinds.add_parser("secrets")
    one.set_defaults(function=secrets)
    one.add_argument("path", metavar="SSM_PATH", help="such as /freightlake/prod")
    one.add_argument("--user", help="Kestra's first user, an e-mail address; else that of .env")
    one.add_argument("--data", help="the folder with lake and inbox; else that of .env, else /var/lib/freightlake")
    one = kinds.add_parser("values")
    one.set_defaults(function=values)
    one.add_argument("pairs", nargs="*", metavar="KEY=VALUE")
    one.add_argument("--file", help="kestra_values of Terraform as JSON; - is standard input")
    one.add_argument("--ssm", metavar="SSM_PATH", help="all values, from the parameters that Terraform makes")
    one = kinds.add_parser("flows")
    one.set_defaults(function=flows)
    one.add_argument("source", nargs="?", default=str(HERE / "flows"), metavar="FOLDER|s3://BUCKET/flows")
    args = parser.parse_args()
    args.function(args)


if __name__ == "__main__":
    main()
