#!/usr/bin/env python3
"""limit_index.py FOLDER INDEX: where every column chunk of the Parquet files in FOLDER lies, for limit.c."""

import pathlib
import sys

from pyarrow import parquet


def main() -> None:
    folder, index = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    lines = []
    for path in sorted(folder.glob("*.parquet")):
        metadata = parquet.read_metadata(path)
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            lines.append(f"group {group.num_rows} {path.absolute()}")
            for i in range(group.num_columns):
                chunk = group.column(i)
                if chunk.compression != "UNCOMPRESSED" or not chunk.has_dictionary_page:
                    if chunk.path_in_schema != "shipment_id":
                        sys.exit(f"{path}: {chunk.path_in_schema} is {chunk.compression} {chunk.encodings}")
                    continue
                start = min(chunk.dictionary_page_offset, chunk.data_page_offset)
                lines.append(f"{chunk.path_in_schema} {start} {chunk.total_compressed_size}")
    index.write_text("\n".join(lines) + "\n")


main()
