"""Writes the marts' SQL files, and the tests beside them, as one C source, so that they ship inside the binary.

usage: embed.py OUTPUT.c MART.sql...
"""

import sys
from pathlib import Path


def c_string(text: str) -> str:
    """The text as C string literals, one a line."""
    lines = []
    for line in text.splitlines(keepends=True):
        escaped = line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        if not escaped.isascii():
            raise SystemExit(f"embed.py: not ASCII: {line!r}")
        lines.append(f'     "{escaped}"')
    return "\n".join(lines)


def main() -> None:
    output, *files = sys.argv[1:]
    entries = ""
    for file in map(Path, files):
        sql, tests = file.read_text(encoding="ascii"), file.with_suffix(".tests.yaml").read_text(encoding="ascii")
        entries += f'    {{"{file.stem}",\n{c_string(sql)},\n{c_string(tests)}}},\n'
    Path(output).write_text(
        "/* Made from the SQL files of marts/ at build time. */\n"
        '#include "mart/registry.h"\n\n'
        f"const MartSource MART_SOURCES[] = {{\n{entries}}};\n"
        f"const size_t MART_SOURCE_COUNT = {len(files)};\n",
        encoding="ascii",
    )


if __name__ == "__main__":
    main()
