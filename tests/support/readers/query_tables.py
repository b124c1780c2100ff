"""Runs queries by pyiceberg and DuckDB: argv = catalog file, file of a JSON list of queries, then tables as namespace.table[@snapshot id].

Each table is read whole by pyiceberg and is there under its name. Prints one JSON list of lists of rows, every cell as DuckDB's text.
"""

import json
import sys

import duckdb
from pyiceberg.catalog.sql import SqlCatalog

catalog = SqlCatalog("k2", uri=f"sqlite:///{sys.argv[1]}")
connection = duckdb.connect()
connection.execute("set timezone = 'UTC'")
for word in sys.argv[3:]:
    name, _, snapshot = word.partition("@")
    scan = catalog.load_table(name).scan(snapshot_id=int(snapshot) if snapshot else None)
    connection.register(name.split(".")[-1], scan.to_arrow())
with open(sys.argv[2], encoding="utf-8") as file:
    queries = json.load(file)
print(json.dumps([[list(row) for row in connection.sql(query).fetchall()] for query in queries]))
