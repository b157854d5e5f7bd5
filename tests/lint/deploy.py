#!/usr/bin/env python3
"""The quick looks at what deploys: workflows, every YAML file, the form of Terraform's files.  They take seconds.

`make test-deploy` has the thorough ones.  Ends with `N passed, N failed, N skipped`.
"""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import go_tools  # noqa: E402


def with_packages() -> None:
    """Starts this script again with the Python that has tests/requirements-lint.txt, unless it is the one."""
    try:
        import yaml  # noqa: F401
    except ImportError:
        try:
            python = str(go_tools.python_with("tests/requirements-lint.txt"))
        except go_tools.Unavailable as error:
            print(f"skipped: {error}\n0 passed, 0 failed, 1 skipped")
            sys.exit(0)
        os.execv(python, [python, *sys.argv])


def yaml_is_read() -> None:
    import yaml

    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.yml", "*.yaml"],
                            cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()  # fmt: skip
    files = [name for name in listed if (ROOT / name).is_file() and not name.startswith("tests/fuzz/corpus/")]
    assert len(files) > 5, "hardly any YAML was found"
    for name in files:
        try:
            list(yaml.safe_load_all((ROOT / name).read_text()))
        except yaml.YAMLError as error:
            raise AssertionError(f"{name}: {error}") from None


def terraform_is_formatted() -> None:
    if not shutil.which("terraform"):
        raise go_tools.Unavailable("terraform: https://developer.hashicorp.com/terraform/install")
    done = subprocess.run(["terraform", "fmt", "-check", "-recursive", "deploy/terraform"], cwd=ROOT,
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.returncode == 0, f"terraform fmt would change {done.stdout.split()} {done.stderr}"


def main() -> int:
    with_packages()
    import workflow_checks

    passed = failed = skipped = 0
    checks = [(check, (ROOT,)) for check in workflow_checks.CHECKS] + [(yaml_is_read, ()), (terraform_is_formatted, ())]
    for check, arguments in checks:
        try:
            check(*arguments)
        except go_tools.Unavailable as error:
            skipped += 1
            print(f"skipped: {check.__name__}: {error}")
        except AssertionError as error:
            failed += 1
            print(f"FAILED {check.__name__}: {error}")
        else:
            passed += 1
            print(f"ok     {check.__name__}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
