"""All rows of tables, their own columns only, by pyiceberg and by DuckDB (columns by name, over the table's data files), ordered by
partition and offset: argv = catalog file, namespace.table... Prints {table: {"schema": {column: type}, "pyiceberg": rows, "duckdb": rows}}."""

import json
import sys

import duckdb
from pyiceberg.catalog.sql import SqlCatalog

catalog = SqlCatalog("k2", uri=f"sqlite:///{sys.argv[1]}")
connection = duckdb.connect()
ORDER = ["kafka_partition", "kafka_offset"]


def plain(value):
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return value.hex() if isinstance(value, bytes) else str(value)


def own(row):
    return {name: plain(value) for name, value in row.items() if not name.startswith("kafka_")}


def read(name):
    table = catalog.load_table(name)
    scan = table.scan()
    files = [task.file.file_path.removeprefix("file://") for task in scan.plan_files()]
    rows = scan.to_arrow().sort_by([(column, "ascending") for column in ORDER]).to_pylist()
    cursor = connection.execute(
        f"select * from read_parquet({files}, union_by_name = true, hive_partitioning = false) order by {', '.join(ORDER)}"
    )
    columns = [column[0] for column in cursor.description]
    return {
        "schema": {f.name: str(f.field_type) for f in table.schema().fields if not f.name.startswith("kafka_")},
        "pyiceberg": [own(row) for row in rows],
        "duckdb": [own(dict(zip(columns, row))) for row in cursor.fetchall()],
    }


print(json.dumps({name: read(name) for name in sys.argv[2:]}))
