#!/usr/bin/env python3
"""The orchestrator's machine: its user data makes a fresh Debian one, docs/deploy.md goes on to the first mart, errors are heard.

deploy/terraform's machine.sh runs in a machine that its own systemd has booted, with an S3 server on its loopback that has the
buckets.  What would come from the internet is a double: Debian's archive, the two agents of AWS and the AWS CLI, which copies
from the server's folder.  The package, the service, the timer and the lake are real.  Ends with `N passed, N failed, N skipped`.
"""

import hashlib
import json
import pathlib
import re
import shutil
import sys

import package
from machine import CannotBoot, Machine
from package import HOME, ROOT, output

MODULES = ROOT / "deploy" / "terraform" / "modules"
SETTINGS = {
    "REGION": "us-east-1",
    "ARTEFACTS": "artefacts",
    "PARAMETERS": "/freightlake/test",
    "LAKE": "s3://processed/lake",
    "ZONE_RAW": "s3://raw/raw",
    "ZONE_PROCESSED": "s3://processed/lake/processed",
    "ZONE_QUARANTINE": "s3://processed/lake/quarantine",
    "ZONE_MARTS": "s3://marts/marts",
    "LOG_GROUP": "/freightlake/test/jobs",
}
S3 = "/srv/s3"
JOBS_LOG = "/var/log/freightlake/jobs.log"
# Each notes what it was asked for in /srv/asked.
DOUBLES = {
    "curl": """#!/bin/sh
echo "curl $*" >>/srv/asked
while [ "$1" != -o ]; do shift; done
exec cp "/srv/agents/$(basename "$3")" "$2"
""",
    "apt-get": """#!/bin/sh
echo "apt-get $*" >>/srv/asked
case "$*" in
*./freightlake_*) exec /usr/bin/apt-get "$@" ;;
*update | *awscli*) ;;
*) exit 1 ;;
esac
""",
    "aws": f"""#!/bin/sh
set -eu
echo "aws $*" >>/srv/asked
[ "$1 $2" = "s3 cp" ] || [ "$1 $2" = "s3 sync" ]
verb=$2
shift 2
[ "$1" != --only-show-errors ] || shift
from={S3}/${{1#s3://}}
case $verb in
cp) exec cp "$from" "$2" ;;
sync) exec cp -r "$from/." "$2" ;;
esac
""",
}
# Made in machine.sh on purpose, each of which one of the checks must catch: name, what is replaced, by what.
MISTAKES = [
    (
        "messages in a file that nobody sends",
        "append:/var/log/freightlake/jobs.log",
        "append:/var/log/freightlake/job.log",
    ),
    ("messages that no filter understands", "FREIGHTLAKE_LOG_FORMAT=json", "FREIGHTLAKE_LOG_FORMAT=text"),
    ("a lake that daily.conf overrules", "EnvironmentFile=/etc/freightlake/machine.conf\n", ""),
    ("a package that nobody checks", "sha256sum --check --quiet SHA256SUMS", "true"),
    ("a build that is not taken up", "--reinstall ", ""),
]
AGENT = '#!/bin/sh\necho "agent $*" >>/srv/asked\n'
SERVICE = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"


def user_data(old: str = "", replacement: str = "") -> str:
    """As main.tf joins it, with settings of this test; terraform.py asks the state for the same."""
    told = (MODULES / "orchestration" / "main.tf").read_text().split("  settings = {")[1].split("  }")[0]
    names = re.findall(r"^ +([A-Z_]+) +=", told, re.M)
    assert sorted(names) == sorted(SETTINGS), f"main.tf tells the machine {names}"
    script = (MODULES / "orchestration" / "machine.sh").read_text()
    assert not old or script.count(old) == 1, f"{old!r} is {script.count(old)} times in machine.sh"
    script = script.replace(old, replacement) if old else script
    return "\n".join(["#!/bin/bash", *(f"{name}='{SETTINGS[name]}'" for name in names), script])


def agent(folder: pathlib.Path, name: str, files: dict[str, tuple[str, int]]) -> None:
    """A package of AWS's, as far as the machine asks for it."""
    tree = folder / f"{name}-tree"
    (tree / "DEBIAN").mkdir(parents=True)
    control = (
        f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: nobody <n@example.com>\nDescription: double\n"
    )
    (tree / "DEBIAN" / "control").write_text(control)
    for path, (text, mode) in files.items():
        (tree / path).parent.mkdir(parents=True)
        (tree / path).write_text(text)
        (tree / path).chmod(mode)
    output("dpkg-deb", "-Znone", "--build", "--root-owner-group", tree, folder / f"{name}.deb")
    shutil.rmtree(tree)


def asked(booted: Machine) -> str:
    return (booted.root / "srv" / "asked").read_text()


def prepare(booted: Machine) -> None:
    for name, text in DOUBLES.items():
        booted.write(f"/usr/local/bin/{name}", text, 0o755)
    booted.write("/srv/asked", "")
    (booted.root / "srv" / "asked").chmod(0o666)  # the service's user copies, too
    agents = booted.root / "srv" / "agents"
    agents.mkdir()
    agent(agents, "amazon-ssm-agent", {"lib/systemd/system/amazon-ssm-agent.service": (SERVICE, 0o644)})
    control = "opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl"
    agent(agents, "amazon-cloudwatch-agent", {control: (AGENT, 0o755)})
    for bucket in ("artefacts", "processed", "raw", "marts"):
        (booted.root / S3.lstrip("/") / bucket).mkdir(parents=True)
    booted.put(pathlib.Path(package.s3_server.find_program()), "/usr/local/bin/s3-server")
    keys = [package.s3_server.ACCESS_KEY, package.s3_server.SECRET_KEY]
    booted.run(
        "systemd-run", "--unit=s3-server", f"--setenv=ROOT_ACCESS_KEY={keys[0]}", f"--setenv=ROOT_SECRET_KEY={keys[1]}",
        "/usr/local/bin/s3-server", "--port", "127.0.0.1:7070", "--quiet", "posix", S3,
    )  # fmt: skip
    # What the instance's role and AWS itself would be.
    booted.write(
        "/etc/freightlake/credentials.conf",
        f"AWS_ENDPOINT_URL=http://127.0.0.1:7070\nAWS_EC2_METADATA_DISABLED=true\n"
        f"AWS_ACCESS_KEY_ID={keys[0]}\nAWS_SECRET_ACCESS_KEY={keys[1]}\n",
        0o600,
    )


def shell(booted: Machine, text: str, *options: str) -> str:
    """As root, as cloud-init or a session's root runs it."""
    booted.write("/root/script", text)
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return booted.run("env", path, "HOME=/root", "bash", *options, "/root/script")


def is_made(booted: Machine, script: str) -> None:
    """From the user data alone, while the bucket has no package."""
    shell(booted, script)
    said = asked(booted)
    agents = re.findall(r"https://(\S+?)\.s3\.us-east-1\.amazonaws\.com/", said)
    assert agents == ["amazon-ssm-us-east-1", "amazoncloudwatch-agent-us-east-1"], said
    assert "apt-get -o DPkg::Lock::Timeout=300 update\n" in said and " awscli " in said, said
    assert booted.run("systemctl", "is-active", "amazon-ssm-agent").strip() == "active"
    settings = re.search(r"^agent -a fetch-config -m ec2 -s -c file:(\S+)$", said, re.M)
    assert settings, f"the agent is not told what to send: {said}"
    collected = json.loads((booted.root / settings[1].lstrip("/")).read_text())["logs"]["logs_collected"]["files"]
    (source,) = collected["collect_list"]
    assert source["file_path"] == JOBS_LOG and source["log_group_name"] == SETTINGS["LOG_GROUP"], source
    assert "s3://artefacts/packages/SHA256SUMS" in said, "nobody looked for a package"
    assert booted.run("sh", "-c", "command -v freightlake || echo none").strip() == "none"


def give(booted: Machine, file: pathlib.Path, digest: str = "") -> None:
    """What scripts/deploy puts into the bucket."""
    folder = booted.root / S3.lstrip("/") / "artefacts" / "packages"
    folder.mkdir(exist_ok=True)
    shutil.copy(file, folder)
    digest = digest or hashlib.sha256(file.read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{digest}  {file.name}\n")


def guide() -> list[str]:
    """What docs/deploy.md says to type on the machine, behind the session's first line."""
    text = (ROOT / "docs" / "deploy.md").read_text()
    lines = re.search(r"^On the machine.*?```sh\n(.*?)```", text, re.S | re.M)[1].splitlines()
    assert lines[0] == "sudo -i", f"the guide's first line there is {lines[0]}"
    return lines[1:]


def guide_leads_to_a_mart(booted: Machine, deb: pathlib.Path) -> None:
    give(booted, deb)
    package.generated(booted.root / S3.lstrip("/") / "processed" / "inbox" / "emart")
    begin = "set -eu\nset -a; . /etc/freightlake/credentials.conf; set +a\n"
    said = shell(booted, begin + "\n".join(guide()) + "\n")
    assert "carrier" in said, f"no mart is shown: {said[-600:]}"
    state = booted.run("systemctl", "show", "-p", "UnitFileState,ActiveState", "--value", "freightlake-daily.timer")
    assert state.split() == ["active", "enabled"], "the timer is not on"
    for zone, table in (("processed/lake/processed", "shipments"), ("marts/marts", "carrier_performance")):
        files = list((booted.root / S3.lstrip("/") / zone / table).rglob("*.parquet"))
        assert files, f"{table} is not in its bucket"
    assert list((booted.root / S3.lstrip("/") / "raw" / "raw" / "emart").rglob("*")), "raw has no file"


def counted(booted: Machine) -> list[dict]:
    """What the alarm's metric filter counts of the lines that the agent sends."""
    text = (MODULES / "observability" / "main.tf").read_text()
    field, value = re.search(r'pattern += "\{ \$\.(\w+) = \\"(\w+)\\" \}"', text).groups()
    path = booted.root / JOBS_LOG.lstrip("/")
    text = path.read_text() if path.exists() else ""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]  # a filter passes over all else
    return [line for line in lines if line.get(field) == value]


def errors_are_heard(booted: Machine) -> None:
    """A refused file and a missing inbox: each is one line that the filter counts, with a code that has its runbook."""
    sections = set(re.findall(r"^### (\w+)$", (ROOT / "docs" / "operations.md").read_text(), re.M))
    assert not counted(booted), f"errors of a day that went well: {counted(booted)}"
    inbox = booted.root / HOME / "inbox"
    (inbox / "nobody").mkdir()
    (inbox / "nobody" / "a.csv").write_text("a\n1\n")
    booted.run("systemctl", "start", "freightlake-daily.service", check=False)
    first = counted(booted)
    assert len(first) == 1 and "nobody" in first[0]["message"], f"counted are {first}"
    shutil.rmtree(inbox / "nobody")
    inbox.rename(inbox.with_name("elsewhere"))
    booted.run("systemctl", "start", "freightlake-daily.service", check=False)
    second = counted(booted)[1:]
    assert len(second) == 1 and f"/{HOME}/inbox" in second[0]["message"], f"counted are {second}"
    inbox.with_name("elsewhere").rename(inbox)
    for line in first + second:
        assert line["code"] in sections and line["hint"], f"no runbook for {line}"


def updates_are_checked(booted: Machine, deb: pathlib.Path) -> None:
    """Later, back, and the same version of another build; not what has another checksum, nor one of two."""

    def installed() -> str:
        return booted.run("dpkg-query", "-W", "-f", "${Version}", "freightlake")

    def update(code: int = 0) -> str:
        return shell(
            booted,
            f"freightlake-update >/root/said 2>&1; [ $? -eq {code} ] || {{ cat /root/said; exit 9; }}; cat /root/said",
        )

    with package.unpacked(deb) as tree:
        later = package.with_version(tree, "99.0")
        give(booted, later)
        update()
        assert installed() == "99.0", "a later package is not installed"
        (tree / "usr/share/freightlake/mark").write_text("another build\n")
        give(booted, package.with_version(tree, "99.0"))
        update()
        assert (booted.root / "usr/share/freightlake/mark").exists(), (
            "another build of the same version is not installed"
        )
    give(booted, deb)
    update()
    assert installed() == package.version(), "there is no way back"
    give(booted, deb, "0" * 64)
    assert "FAILED" in update(1), "a package with another checksum is installed"
    sums = booted.root / S3.lstrip("/") / "artefacts" / "packages" / "SHA256SUMS"
    sums.write_text(sums.read_text() * 2)
    assert "does not name one package" in update(1)
    assert installed() == package.version()


def caught(deb: pathlib.Path, old: str, replacement: str) -> None:
    with package.fresh_root() as root, Machine(root) as booted:
        prepare(booted)
        try:
            is_made(booted, user_data(old, replacement))
            guide_leads_to_a_mart(booted, deb)
            errors_are_heard(booted)
            updates_are_checked(booted, deb)
        except AssertionError as error:
            print(f"       {str(error).strip()[-160:]}")
            return
    raise AssertionError("no check objects")


def main() -> int:
    missing = package.no_system_because()
    tests = package.Tests()
    if missing:
        tests.skip(f"the machine: {missing}")
    else:
        deb = package.build()
        try:
            package.s3_server.find_program()
            with package.fresh_root() as root, Machine(root) as booted:
                prepare(booted)
                tests.run("user data makes the machine", is_made, booted, user_data())
                if not tests.failed:
                    tests.run("the guide leads to a mart", guide_leads_to_a_mart, booted, deb)
                if not tests.failed:
                    tests.run("errors are heard", errors_are_heard, booted)
                    tests.run("updates are checked", updates_are_checked, booted, deb)
            if not tests.failed:
                for name, old, replacement in MISTAKES:
                    tests.run(f"caught: {name}", caught, deb, old, replacement)
        except (CannotBoot, RuntimeError) as error:
            tests.skip(f"the machine: {error}")
    print(f"{tests.passed} passed, {tests.failed} failed, {tests.skipped} skipped")
    return 1 if tests.failed else 0


if __name__ == "__main__":
    sys.exit(main())
