#!/usr/bin/env python3
"""Refuses what the architecture forbids in src/: upward includes, another folder's internals, banned functions.

The table below is the order of the layers: each names the layers it may include besides itself.  Soft caps on the
length of files and functions are reported as warnings and never fail the check.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

LOW = ["base"]
COLUMNAR = [*LOW, "columnar"]
FILES = [*COLUMNAR, "storage"]
FORMATS = [*FILES, "parquet"]
TABLES = [*FORMATS, "delta"]
ENGINE = [*TABLES, "text", "sql", "exec"]
DOMAIN = [*ENGINE, "shipment"]
LAKE = [*DOMAIN, "lake"]
JOBS = [*LAKE, "ingest", "generate", "mart"]
SERVICES = [*JOBS, "schedule", "stream", "server"]

ALLOWED = {
    "base": [],
    "columnar": LOW,
    "storage": LOW,
    "parquet": FILES,
    "text": FILES,
    "delta": [*FILES, "parquet"],
    "sql": COLUMNAR,
    "exec": [*TABLES, "sql"],
    "shipment": COLUMNAR,
    "generate": [*FORMATS, "shipment"],
    "lake": DOMAIN,
    "ingest": LAKE,
    "mart": LAKE,
    "schedule": JOBS,
    "stream": JOBS,
    "server": JOBS,
    "cmd": SERVICES,
}

# Functions with a safe way to do the same; the second table names who may call them all the same.
BANNED = {
    "strcpy": "memcpy with a known size",
    "stpcpy": "memcpy with a known size",
    "strncpy": "memcpy with a known size",
    "strcat": "buffer_append_text",
    "strncat": "buffer_append_text",
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "gets": "fgets",
    "scanf": "a parser that reports errors",
    "sscanf": "a parser that reports errors",
    "strtok": "memchr",
    "system": "posix_spawn",
    "popen": "posix_spawn",
    "atoi": "strtol with its end checked",
    "atol": "strtol with its end checked",
    "atoll": "strtoll with its end checked",
    "atof": "strtod with its end checked",
    "alloca": "arena_alloc",
    "rand": "a seeded generator of its own",
    "srand": "a seeded generator of its own",
    "random": "a seeded generator of its own",
    "srandom": "a seeded generator of its own",
    "tmpnam": "mkstemp",
    "tempnam": "mkstemp",
    "mktemp": "mkstemp",
    "asctime": "strftime",
    "ctime": "strftime",
    "gmtime": "gmtime_r",
    "localtime": "gmtime_r: instants are UTC",
    "setjmp": "Status",
    "longjmp": "Status",
    "malloc": "mem_alloc",
    "calloc": "mem_zalloc",
    "realloc": "mem_realloc",
    "strdup": "mem_strdup",
    "strndup": "arena_memdup",
    "asprintf": "mem_printf",
    "vasprintf": "mem_printf",
    "assert": "CHECK or DCHECK, which NDEBUG does not remove",
}
# Only boundaries print, log or end the process.
BOUNDARY_ONLY = [
    "printf",
    "fprintf",
    "vprintf",
    "vfprintf",
    "puts",
    "putchar",
    "fputs",
    "perror",
    "exit",
    "_exit",
    "abort",
]
BOUNDARIES = {"base", "cmd", "server"}
ALLOCATORS = {"malloc", "calloc", "realloc", "strdup", "vasprintf"}
EXEMPT = {"src/base/memory.c": ALLOCATORS}

FILE_CAP = {".c": 800, ".h": 200}
FUNCTION_CAP = 70

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
NOISE = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def without_comments_and_strings(text: str) -> str:
    return NOISE.sub(lambda match: "\n" * match.group().count("\n") or " ", text)


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def check_includes(name: str, layer: str, text: str) -> list[str]:
    problems = []
    for match in INCLUDE.finditer(text):
        target = match.group(1)
        where = f"{name}:{line_of(text, match.start(1))}"
        folder, _, file = target.rpartition("/")
        other = folder.split("/")[0]
        if other not in ALLOWED:
            if (ROOT / "src" / name.split("/")[1] / target).exists():
                problems.append(f'{where}: write the layer in front: #include "{layer}/{target}"')
            continue
        if other == layer:
            continue
        if other not in ALLOWED[layer]:
            problems.append(f"{where}: {layer} may not include {target}: includes only point down the layers")
        elif file.endswith("_internal.h"):
            problems.append(f"{where}: {target} is for its own folder only")
    return problems


def check_calls(name: str, layer: str, text: str) -> list[str]:
    problems = []
    code = without_comments_and_strings(text)
    allowed = EXEMPT.get(name, set())
    for match in CALL.finditer(code):
        function = match.group(1)
        where = f"{name}:{line_of(code, match.start())}"
        if function in BANNED and function not in allowed:
            problems.append(f"{where}: {function} is banned; use {BANNED[function]}")
        elif function in BOUNDARY_ONLY and layer not in BOUNDARIES:
            problems.append(f"{where}: {function}: {layer} never prints, logs or exits; return an Error")
    return problems


def soft_caps(name: str, suffix: str, text: str) -> list[str]:
    lines = text.split("\n")
    warnings = []
    if len(lines) > FILE_CAP[suffix] + 1:
        warnings.append(f"{name}: {len(lines)} lines, the soft cap is {FILE_CAP[suffix]}")
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            if number - start > FUNCTION_CAP:
                warnings.append(f"{name}:{start}: a function of {number - start} lines, the soft cap is {FUNCTION_CAP}")
            start = None
    return warnings


def main() -> int:
    problems: list[str] = []
    warnings: list[str] = []
    files = sorted(path for path in (ROOT / "src").rglob("*") if path.suffix in FILE_CAP)
    for path in files:
        name = path.relative_to(ROOT).as_posix()
        layer = name.split("/")[1]
        text = path.read_text()
        if layer not in ALLOWED:
            problems.append(f"{name}: src/{layer} is not in the table of layers of scripts/check_layers.py")
            continue
        problems += check_includes(name, layer, text)
        problems += check_calls(name, layer, text)
        warnings += soft_caps(name, path.suffix, text)
    for folder in sorted({path.parent for path in files}):
        if not (folder / "README.md").exists():
            problems.append(f"{folder.relative_to(ROOT)}: a source folder without its README.md")
    for warning in warnings:
        print(f"warning: {warning}")
    for problem in problems:
        print(f"error: {problem}")
    print(f"{len(files)} files, {len(problems)} errors, {len(warnings)} warnings")
    return 1 if problems or not files else 0


if __name__ == "__main__":
    sys.exit(main())
