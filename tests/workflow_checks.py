"""What must hold of .github/workflows: two linters, and the rules of docs/cicd.md that no linter knows.

Each check takes a folder that is laid out like the repository, and raises AssertionError with what it found.  They run
in the lint stage on the repository and in tests/deploy/workflows.py on copies with mistakes.
"""

import pathlib
import re
import subprocess

import go_tools
import yaml

ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
PINNED = re.compile(r"uses: +([\w.-]+/[\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$")
# What steps may call besides make and scripts/.
PLAIN_COMMANDS = {"apt-get", "cat", "gh", "git", "{"}
# The only jobs whose token can be more than read: file, job and what it may.
MORE_THAN_READ: dict[tuple[str, str], dict[str, str]] = {
    ("infra.yml", "plan"): {"contents": "read", "id-token": "write"},
    ("infra.yml", "comment"): {"pull-requests": "write"},
    ("infra.yml", "apply"): {"contents": "read", "id-token": "write"},
    ("deploy.yml", "attest"): {"attestations": "write", "contents": "read", "id-token": "write"},
    ("deploy.yml", "deploy"): {"attestations": "read", "contents": "read", "id-token": "write"},
    ("release.yml", "attest"): {"attestations": "write", "contents": "read", "id-token": "write"},
    ("release.yml", "publish"): {"contents": "write"},
}


def workflows(root: pathlib.Path) -> dict[str, dict]:
    """By file name.  YAML 1.1 reads the key `on` as true."""
    files = sorted((root / ".github" / "workflows").glob("*.yml"))
    assert files, "there are no workflows"
    return {path.name: yaml.safe_load(path.read_text()) for path in files}


def jobs(root: pathlib.Path):
    for file, workflow in workflows(root).items():
        for name, job in workflow["jobs"].items():
            yield file, name, job


def run(*command: object, root: pathlib.Path) -> None:
    done = subprocess.run([str(word) for word in command], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, (done.stdout + done.stderr).strip()[-3000:]


def actionlint_finds_nothing(root: pathlib.Path) -> None:
    files = sorted((root / ".github" / "workflows").glob("*.yml"))
    run(go_tools.program(ACTIONLINT, "half a minute"), "-no-color", *files, root=root)


def zizmor_finds_nothing(root: pathlib.Path) -> None:
    program = go_tools.python_with("tests/requirements-lint.txt").with_name("zizmor")
    run(program, "--offline", "--quiet", "--no-progress", "--persona=auditor", "--strict-collection", "--color=never",
        ".github", root=root)  # fmt: skip


def exceptions_have_reasons(root: pathlib.Path) -> None:
    for path in sorted((root / ".github").rglob("*.yml")):
        for line in path.read_text().splitlines():
            if "zizmor: ignore" in line or "shellcheck disable" in line:
                reason = re.sub(r".*(?:ignore\[[\w,-]+\]|disable=[\w,]+)", "", line)
                assert len(reason.strip()) >= 15, f"{path.name}: an exception without a reason: {line.strip()}"


def actions_are_pinned(root: pathlib.Path) -> None:
    """By commit, with the version as a comment, an action at one commit everywhere; images by digest."""
    commits: dict[str, set[tuple[str, str]]] = {}
    images: set[str] = set()
    for path in sorted((root / ".github" / "workflows").glob("*.yml")):
        for line in path.read_text().splitlines():
            if re.search(r"^\s*(- )?uses: +(?!\./)", line):
                pin = PINNED.search(line)
                assert pin, f"{path.name}: not pinned by commit and version: {line.strip()}"
                commits.setdefault(pin[1], set()).add((pin[2], pin[3]))
            if image := re.search(r"^\s*image: +(\S+)", line):
                assert re.search(r"@sha256:[0-9a-f]{64}$", image[1]), f"{path.name}: not pinned by digest: {image[1]}"
                images.add(image[1])
    different = [action for action, found in commits.items() if len(found) > 1]
    assert not different, f"pinned to more than one commit: {different}"
    assert len(images) <= 1, f"more than one image: {sorted(images)}"


def targets(root: pathlib.Path) -> set[str]:
    return set(re.findall(r"^([a-z][\w-]*):", (root / "Makefile").read_text(), re.M))


def commands_exist(root: pathlib.Path) -> None:
    """Steps call make targets and scripts that are there, and little else."""
    known = targets(root)
    for called in re.findall(r"^\t@?(scripts/\w[\w-]*)", (root / "Makefile").read_text(), re.M):
        assert (root / called).is_file(), f"Makefile: there is no {called}"
    for file, name, job in jobs(root):
        for step in job.get("steps", []):
            for line in re.sub(r"\\\n\s*", " ", step.get("run", "")).splitlines():
                where = f"{file}, job {name}: {line.strip()}"
                words = line.split()
                if words[0] == "make":
                    named = [word for word in words[1:] if "=" not in word]
                    if named == ['"$TARGET"']:
                        named = [one["target"] for one in job["strategy"]["matrix"]["include"]]
                    assert named and set(named) <= known, f"{where}: no such target"
                elif words[0].startswith("scripts/"):
                    assert (root / words[0]).is_file(), f"{where}: no such script"
                else:
                    assert words[0] in PLAIN_COMMANDS, f"{where}: a step calls a target, a script or {PLAIN_COMMANDS}"


def jobs_are_bounded(root: pathlib.Path) -> None:
    """Each has an end, and no more rights than MORE_THAN_READ says; no workflow runs a stranger's code with rights."""
    for file, workflow in workflows(root).items():
        assert workflow.get("permissions") == {}, f"{file}: permissions that every job would have"
        assert "concurrency" in workflow, f"{file}: no concurrency"
        risky = {"pull_request_target", "workflow_run", "issue_comment"} & set(workflow[True])
        assert not risky, f"{file}: started by {sorted(risky)}"
    used = set()
    for file, name, job in jobs(root):
        assert "timeout-minutes" in job or "uses" in job, f"{file}, job {name}: no timeout"
        allowed = MORE_THAN_READ.get((file, name), {"contents": "read"})
        used.add((file, name))
        assert job.get("permissions") == allowed, f"{file}, job {name}: permissions {job.get('permissions')}"
        for step in job.get("steps", []):
            if step.get("uses", "").startswith("actions/checkout@"):
                kept = step.get("with", {}).get("persist-credentials")
                assert kept is False, f"{file}, job {name}: the checkout keeps its token"
    assert set(MORE_THAN_READ) <= used, f"there are no jobs {sorted(set(MORE_THAN_READ) - used)}"


def caches_are_set(root: pathlib.Path) -> None:
    """What is cached is where the scripts put it."""
    for file, workflow in workflows(root).items():
        kept = workflow.get("env", {}).get("FREIGHTLAKE_CACHE")
        for _, job in workflow["jobs"].items():
            for step in job.get("steps", []):
                if step.get("uses", "").startswith("actions/cache@"):
                    assert step["with"]["path"] == kept, f"{file}: caches {step['with']['path']}, not FREIGHTLAKE_CACHE"


def roles_are_taken_as_trusted(root: pathlib.Path) -> None:
    """Each role of deploy/terraform/modules/cicd by the job it trusts: plan on pull requests of the repository itself and on
    the branch, apply and deploy from the file on the branch, in an environment."""
    trust = (root / "deploy" / "terraform" / "modules" / "cicd" / "main.tf").read_text()
    wanted = {("infra.yml", "plan"): "PLAN_ROLE_ARN"}
    for role, file in re.findall(
        r'^ {4}(\w+) += \[\{ subject = "[^"]+:environment:[^"]+", workflow = "(\w+)" \}\]$', trust, re.M
    ):
        wanted[f"{file}.yml", role] = f"{role.upper()}_ROLE_ARN"
    assert len(wanted) == 3, f"the trust policy names the jobs {sorted(wanted)}"
    taken = {}
    for file, name, job in jobs(root):
        for step in job.get("steps", []):
            if step.get("uses", "").startswith("aws-actions/configure-aws-credentials@"):
                taken[file, name] = step["with"]["role-to-assume"]
                if name != "plan":
                    environment = job.get("environment")
                    assert environment == "${{ matrix.environment }}", f"{file}, job {name}: environment {environment}"
    assert set(taken) == set(wanted), f"roles are taken by {sorted(taken)}, trusted are {sorted(wanted)}"
    for place, role in wanted.items():
        assert f"vars.{role}" in taken[place], f"{place[0]}, job {place[1]}: takes {taken[place]}, not {role}"
    plan = workflows(root)["infra.yml"]["jobs"]["plan"]
    assert "environment" not in plan, "infra.yml: the role of plan trusts no environment"
    for part in ("event_name == 'pull_request' && github.event.pull_request.head.repo.full_name == github.repository",
                 "event_name != 'pull_request' && github.ref == 'refs/heads/main'"):  # fmt: skip
        assert part in plan["if"], f"infra.yml, job plan: not only where {part}"
    applied = workflows(root)["infra.yml"]["jobs"]["apply"]["if"]
    assert "github.event_name != 'pull_request' && github.ref == 'refs/heads/main'" in applied, f"apply if {applied}"


def what_is_applied_was_seen(root: pathlib.Path) -> None:
    """A plan is shown and kept before the approval, and that file is applied: no job that applies plans."""
    found = workflows(root)["infra.yml"]["jobs"]
    plan, apply = found["plan"], found["apply"]
    planned = [step["run"] for step in plan["steps"] if "run" in step]
    assert any("make infra-plan LOCK=false" in command for command in planned), "infra.yml: a plan's role cannot lock"
    assert any('>> "$GITHUB_STEP_SUMMARY"' in command for command in planned), "infra.yml: nobody sees the plan of main"
    kept = [step["with"] for step in plan["steps"] if step.get("uses", "").startswith("actions/upload-artifact@")]
    assert [one["name"] for one in kept] == ["plan-${{ matrix.environment }}"], f"infra.yml: plan keeps {kept}"
    assert "build/infra/${{ matrix.environment }}.tfplan" in kept[0]["path"].splitlines(), (
        "infra.yml: the plan is not kept"
    )
    assert apply.get("needs") == "plan", "infra.yml: apply does not wait for the plan"
    taken = [step["with"] for step in apply["steps"] if step.get("uses", "").startswith("actions/download-artifact@")]
    assert taken == [{"name": kept[0]["name"], "path": "build/infra"}], f"infra.yml: apply takes {taken}"
    commands = [step["run"].split("#")[0].strip() for step in apply["steps"] if "run" in step]
    assert commands == ["make infra-apply"], f"infra.yml: apply runs {commands}"


def what_is_deployed_was_attested(root: pathlib.Path) -> None:
    """Every file is verified after it was fetched and before a role is taken to send it."""
    steps = workflows(root)["deploy.yml"]["jobs"]["deploy"]["steps"]
    order = [step.get("run") or step["uses"].split("@")[0] for step in steps]
    wanted = ["actions/checkout", "actions/download-artifact", "scripts/verify", "aws-actions/configure-aws-credentials",
              "make deploy"]  # fmt: skip
    assert order == wanted, f"deploy.yml: deploy does {order}"
    attested = [
        step["with"] for step in workflows(root)["deploy.yml"]["jobs"]["attest"]["steps"] if "attest@" in step["uses"]
    ]
    subjects = [{"subject-checksums": "artefacts/SHA256SUMS"}, {"subject-path": "artefacts/SHA256SUMS"}]
    assert attested == subjects, f"deploy.yml attests {attested}"


def providers_are_renewed(root: pathlib.Path) -> None:
    """What a lock file pins, Dependabot proposes newer versions of."""
    updates = yaml.safe_load((root / ".github" / "dependabot.yml").read_text())["updates"]
    terraform = [one for one in updates if one["package-ecosystem"] == "terraform"]
    assert terraform and terraform[0]["directories"] == ["/deploy/terraform", "/deploy/terraform/bootstrap"], (
        f"dependabot.yml renews {[one['package-ecosystem'] for one in updates]}"
    )


def order_holds(root: pathlib.Path) -> None:
    """Nothing is deployed or published but what was tested, built once and attested."""
    steps = {"deploy.yml": ["ci", "build", "attest", "deploy"], "release.yml": ["ci", "build", "attest", "publish"]}
    for file, order in steps.items():
        found = workflows(root)[file]["jobs"]
        assert list(found) == order, f"{file}: jobs {list(found)}"
        for before, name in zip(order, order[1:], strict=False):
            assert found[name].get("needs") == before, f"{file}: {name} does not wait for {before}"
            assert "always()" not in str(found[name].get("if")), f"{file}: {name} runs whatever {before} did"
    assert workflows(root)["release.yml"][True] == {"push": {"tags": ["v*"]}}, "release.yml: not by a tag alone"
    assert found["publish"].get("environment") == "release", "release.yml: publish has no environment"


def guide_names_what_is_set(root: pathlib.Path) -> None:
    """docs/cicd.md lists the variables and secrets that the workflows read, the workflows, and targets that are there."""
    guide = (root / "docs" / "cicd.md").read_text()
    texts = [path.read_text() for path in sorted((root / ".github" / "workflows").glob("*.yml"))]
    read = {name for text in texts for name in re.findall(r"(?:vars|secrets)\.(\w+)", text)}
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", guide.split("| variable |")[1].split("\n\n")[0]))
    assert named == read, f"docs/cicd.md and the workflows differ in {sorted(named ^ read)}"
    table = guide.split("| workflow |")[1].split("\n\n")[0]
    files = {file.removesuffix(".yml") for file in workflows(root)}
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.M)) == files, "docs/cicd.md lists other workflows"
    unknown = set(re.findall(r"\bmake ([a-z][\w-]+)", guide)) - targets(root)
    assert not unknown, f"docs/cicd.md calls targets that are not there: {sorted(unknown)}"


CHECKS = [
    actionlint_finds_nothing,
    zizmor_finds_nothing,
    exceptions_have_reasons,
    actions_are_pinned,
    commands_exist,
    jobs_are_bounded,
    caches_are_set,
    roles_are_taken_as_trusted,
    what_is_applied_was_seen,
    what_is_deployed_was_attested,
    providers_are_renewed,
    order_holds,
    guide_names_what_is_set,
]
