#!/usr/bin/env python3
"""The Dockerfile, which is read and not built: that wants an engine.  hadolint, and rules of its own.

Mistakes made on purpose must be caught.  Ends with `N passed, N failed, N skipped`.
"""

import pathlib
import re
import subprocess
import sys
from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import go_tools  # noqa: E402

TEXT = (ROOT / "Dockerfile").read_text()
# Name, what is replaced, by what.
MISTAKES = [
    ("it runs as root", "USER 10001:10001\n", ""),
    ("a base that moves", "debian:12@sha256:9344f8b8992482f80cba753f323adeaf17690076c095ccff6cc9536be98185dc\n", "debian:latest\n"),
    ("lists of packages in the image", "    && rm -rf /var/lib/apt/lists/* \\\n", ""),
    ("a source that is not there", "COPY scripts/common.sh", "COPY scripts/commons.sh"),
    ("the compiler is shipped", "COPY --from=build /image/usr/ /usr/", "COPY --from=build / /"),
    ("arguments through a shell", 'ENTRYPOINT ["freightlake"]', "ENTRYPOINT freightlake"),
]  # fmt: skip


def hadolint(text: str) -> None:
    program = go_tools.python_with("tests/requirements-docker.txt").with_name("hadolint")
    done = subprocess.run(
        [str(program), "--no-color", "--failure-threshold", "style", "-"], input=text, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def instructions(text: str) -> list[tuple[str, str]]:
    lines = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", text)).split("\n")
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


def stages(text: str) -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for instruction in instructions(text):
        if instruction[0] == "FROM":
            found.append([])
        found[-1].append(instruction)
    return found


def runs_as_a_number(text: str) -> None:
    """Whoever runs the image can check a number without looking into it (runAsNonRoot)."""
    users = [words for name, words in stages(text)[-1] if name == "USER"]
    assert users and re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1]), f"the last stage runs as {users or 'root'}"


def bases_are_pinned(text: str) -> None:
    """By digest, and the one that the workflows build on."""
    bases = {words.split()[0] for name, words in instructions(text) if name == "FROM"}
    assert all(re.search(r"@sha256:[0-9a-f]{64}$", base) for base in bases), f"not by digest: {bases}"
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert bases <= set(re.findall(r"image: (\S+)", workflow)), f"not what ci.yml builds on: {bases}"


def sources_are_there(text: str) -> None:
    """What is copied is in the repository, is not kept out by .dockerignore, and the last stage takes the installed tree alone."""
    ignored = {line for line in (ROOT / ".dockerignore").read_text().split("\n") if line and not line.startswith("#")}
    for number, stage in enumerate(stages(text)):
        for name, words in stage:
            if name != "COPY":
                continue
            *sources, _ = (word for word in words.split() if not word.startswith("--"))
            if "--from=build" in words:
                assert sources == ["/image/usr/"], f"copied from the build: {sources}"
                continue
            assert number == 0, f"the last stage copies {sources} from the sources"
            for source in sources:
                assert (ROOT / source).exists(), f"{source} is not there"
                assert source.split("/")[0] not in ignored, f"{source} is kept out by .dockerignore"
    # Every folder that meson reads is in the build.
    read = set(re.findall(r"(?m)^\s*subdir\('(\w+)'\)", (ROOT / "meson.build").read_text()))
    assert not read & ignored, f"meson reads {read & ignored}, which .dockerignore keeps out"


def image_is_small(text: str) -> None:
    last = " ".join(words for name, words in stages(text)[-1] if name == "RUN")
    assert "rm -rf /var/lib/apt/lists" in last and "--no-install-recommends" in last, "apt's leavings are in the image"


CHECKS: list[Callable[[str], None]] = [runs_as_a_number, bases_are_pinned, sources_are_there, image_is_small]


def main() -> int:
    passed = failed = skipped = 0
    checks = list(CHECKS)
    try:
        go_tools.python_with("tests/requirements-docker.txt")
        checks.append(hadolint)
    except go_tools.Unavailable as error:
        skipped += 1
        print(f"skipped: hadolint: {error}")
    for check in checks:
        try:
            check(TEXT)
        except AssertionError as error:
            failed += 1
            print(f"FAILED {check.__name__}: {error}")
        else:
            passed += 1
            print(f"ok     {check.__name__}")
    for name, old, new in MISTAKES:
        wrong = TEXT.replace(old, new)
        objections = []
        for check in checks:
            try:
                check(wrong)
            except AssertionError:
                objections.append(check.__name__)
        if wrong == TEXT or not objections:
            failed += 1
            print(f"FAILED caught: {name}: {'nothing to replace' if wrong == TEXT else 'nothing objects'}")
        else:
            passed += 1
            print(f"ok     caught: {name} ({', '.join(objections)})")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
