"""What the fastest Parquet writer of Python costs alone: pyarrow.parquet.write_table, zstd, on rows that lie ready in Arrow memory.

Usage: pyarrow-write.py <catalog file> <rows at most> <seconds of CPU>. Reads the rows from the table, writes them in files of 100,000 until the CPU time
is spent, and prints one JSON document: rows, written (with repetition), cpu_us (all threads), bytes.
"""
import json
import os
import sys
import tempfile
import time

import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog

FILE_ROWS = 100_000
catalog, rows_max, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
table = SqlCatalog("k2", uri=f"sqlite:///{catalog}").load_table("market_data.trades_v2")
rows = table.scan(limit=rows_max).to_arrow().combine_chunks()
parts = [rows.slice(at, FILE_ROWS) for at in range(0, rows.num_rows, FILE_ROWS)]
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "rows.parquet")

    def write(part):
        pq.write_table(part, path, compression="zstd")
        return os.path.getsize(path)

    size = write(parts[0])
    written = 0
    start = time.process_time()
    while time.process_time() - start < seconds:
        for part in parts:
            write(part)
            written += part.num_rows
    cpu = time.process_time() - start
print(json.dumps({"rows": rows.num_rows, "written": written, "cpu_us": round(cpu * 1e6), "bytes": size}))
