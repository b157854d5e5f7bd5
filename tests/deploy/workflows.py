#!/usr/bin/env python3
""".github/workflows without GitHub: the rules hold, the steps that can run here do, and mistakes made on purpose are caught.

Each mistake is one replacement in a copy of what the rules read; the unchanged copy passes all of them.  What only GitHub
can show is in docs/cicd.md.  Ends with `N passed, N failed, N skipped`.
"""

import json
import pathlib
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE / "terraform"), str(ROOT / "tests"), str(ROOT / "bench")]

import tools  # noqa: E402

tools.with_packages()

import ratios  # noqa: E402
import workflow_checks as checks  # noqa: E402
from terraform import Tests  # noqa: E402

import bench  # noqa: E402

CI, INFRA, DEPLOY, RELEASE = (f".github/workflows/{name}.yml" for name in ("ci", "infra", "deploy", "release"))
# Name, file, what is replaced, by what.
MISTAKES = [
    ("an action by its tag", CI, "actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5", "actions/cache@v5"),
    ("an action at another commit in one place", CI, "actions/cache@27d5ce7f107f", "actions/cache@27d5ce7f107e"),
    ("a target that does not exist", "Makefile", "bench-ratios:", "bench-ratio:"),
    ("a job of the matrix without its target", CI, "target: tsan", "target: tsann"),
    ("a token that writes", CI, "contents: read # of", "contents: write # of"),
    ("a title in a command", CI, "run: make bench-ratios", "run: make bench-ratios T=${{ github.event.pull_request.title }}"),
    ("a stranger's code with rights", CI, "  pull_request:\n", "  pull_request_target:\n"),
    ("a checkout that keeps its token", CI, "persist-credentials: false", "persist-credentials: true"),
    ("a job without an end", CI, "    timeout-minutes: 30\n", ""),
    ("an expression that is never true", CI, "matrix.target == 'cover'", "matrix.targets == 'cover'"),
    ("an image by its tag", CI, "@sha256:9344f8b8992482f80cba753f323adeaf17690076c095ccff6cc9536be98185dc", ""),
    ("a cache of another folder", CI, "path: /var/cache/freightlake", "path: /root/.cache/freightlake"),
    ("an apply without approval", INFRA, "    environment: ${{ matrix.environment }}\n    concurrency", "    concurrency"),
    ("an apply from any branch", INFRA, "    if: github.event_name != 'pull_request' && github.ref == 'refs/heads/main'\n", "    if: github.event_name != 'pull_request'\n"),
    ("a plan from any branch", INFRA, " && github.ref == 'refs/heads/main' ||", " ||"),
    ("an apply that plans anew", INFRA, "run: make infra-apply", "run: make infra-plan infra-apply"),
    ("an apply before the plan is there", INFRA, "    needs: plan\n    runs-on: ubuntu-24.04\n    timeout-minutes: 60", "    needs: check\n    runs-on: ubuntu-24.04\n    timeout-minutes: 60"),
    ("a plan that nobody sees", INFRA, ' >> "$GITHUB_STEP_SUMMARY"', ""),
    ("a plan that is not kept", INFRA, "            build/infra/${{ matrix.environment }}.tfplan\n", ""),
    ("an apply of another environment's plan", INFRA, "          name: plan-${{ matrix.environment }}\n          path: build/infra\n", "          name: plan-dev\n          path: build/infra\n"),
    ("a plan of a fork", INFRA, "github.event.pull_request.head.repo.full_name == github.repository", "true"),
    ("a plan that wants a lock", INFRA, " LOCK=false", ""),
    ("the other role", INFRA, "vars.APPLY_ROLE_ARN", "vars.DEPLOY_ROLE_ARN"),
    ("a role that trusts another file", "deploy/terraform/modules/cicd/main.tf", 'workflow = "deploy"', 'workflow = "ci"'),
    ("a deployment of what nobody attested", DEPLOY, "needs: attest", "needs: build"),
    ("a deployment of what nobody verified", DEPLOY, "        run: scripts/verify\n", "        run: cat build/artefacts/SHA256SUMS\n"),
    ("checksums that nobody attested", DEPLOY, "          subject-path: artefacts/SHA256SUMS\n", "          subject-path: artefacts/packages\n"),
    ("a provider that stays old", ".github/dependabot.yml", "package-ecosystem: terraform", "package-ecosystem: docker"),
    ("a deployment of what no test saw", DEPLOY, "    needs: ci\n", ""),
    ("a release by every push", RELEASE, "tags: [v*]", "branches: ['**']"),
    ("a variable that nobody is told of", DEPLOY, "vars.ARTEFACTS_BUCKET", "vars.ARTIFACTS_BUCKET"),
    ("a target whose script is not there", "Makefile", "@scripts/deploy ", "@scripts/deploys "),
]  # fmt: skip


def copy(folder: pathlib.Path) -> pathlib.Path:
    """What the rules read, in a folder of its own."""
    root = folder / "copy"
    for part in (".github", "scripts", "deploy/terraform/modules/cicd"):
        shutil.copytree(ROOT / part, root / part)
    (root / "docs").mkdir()
    for file in ("Makefile", "docs/cicd.md"):
        shutil.copy(ROOT / file, root / file)
    return root


def objection(root: pathlib.Path) -> str | None:
    """Which check objects first; None where none does."""
    for check in checks.CHECKS:
        try:
            check(root)
        except AssertionError:
            return check.__name__
    return None


def caught(root: pathlib.Path, name: str, file: str, before: str, after: str) -> None:
    path = root / file
    text = path.read_text()
    assert before in text, f"{file} no longer has what the mistake replaces: {before!r}"
    path.write_text(text.replace(before, after, 1))
    try:
        found = objection(root)
    finally:
        path.write_text(text)
    assert found, "no check objects"
    print(f"       {name}: caught by {found}", flush=True)


def ratios_are_judged() -> None:
    """A race is judged by the ratios of its rounds: a slow machine changes nothing, a slow program does."""
    floors = json.loads((ROOT / "bench" / "ratios.json").read_text())
    assert floors["table"] == bench.TABLES["1.4M"].name, "bench/ratios.json speaks of a table that nobody races over"
    assert set(floors["modes"]) <= set(bench.MODES), "bench/ratios.json speaks of other marts"

    def race(slower: float, machine: float) -> dict:
        runs = []
        for mode in floors["modes"]:
            for number in range(3):
                load = machine * (1 + number)  # each round slower than the one before
                for engine, times in (("Freightlake", slower), ("DuckDB", 12.0), ("Polars", 20.0)):
                    runs.append({"table": floors["table"], "mode": mode, "engine": engine, "round": number,
                                 "wall_seconds": times * load, "user_seconds": times * load, "system_seconds": 0.0,
                                 "peak_bytes": int(times * 1e6)})  # fmt: skip
        return {"runs": runs}

    assert not ratios.judge(race(1.0, 1.0), floors)[1]
    assert not ratios.judge(race(1.0, 50.0), floors)[1]
    below = ratios.judge(race(10.0, 1.0), floors)[1]
    assert len(below) == sum(len(wanted) for wanted in floors["modes"].values()), below
    alone = race(1.0, 1.0)
    alone["runs"] = [run for run in alone["runs"] if run["engine"] != "Polars"]
    assert len(ratios.judge(alone, floors)[1]) == len(floors["modes"])


def unchanged(root: pathlib.Path) -> None:
    found = objection(root)
    assert found is None, f"{found} objects to the unchanged workflows"


def main() -> int:
    tests = Tests()
    for check in checks.CHECKS:
        tests.run(check.__name__, check, ROOT)
    tests.run("ratios are judged", ratios_are_judged)
    with tempfile.TemporaryDirectory(prefix="freightlake-workflows-") as folder:
        root = copy(pathlib.Path(folder))
        tests.run("unchanged", unchanged, root)
        for mistake in MISTAKES:
            tests.run(f"mistake: {mistake[0]}", caught, root, *mistake)
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())
