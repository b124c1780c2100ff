"""What a route chose, as pyiceberg and pyarrow find it: argv = catalog file, namespace.table, sort columns (comma-separated or -)."""

import json
import sys

import pyarrow.parquet as parquet
from pyiceberg.catalog.sql import SqlCatalog

catalog = SqlCatalog("k2", uri=f"sqlite:///{sys.argv[1]}")
table = catalog.load_table(sys.argv[2])
order = [] if sys.argv[3] == "-" else sys.argv[3].split(",")
names = {field.field_id: field.name for field in table.schema().fields}
scan = table.scan()
arrow = scan.to_arrow()


def is_sorted(path):
    rows = parquet.ParquetFile(path).read(columns=order)
    keys = list(zip(*(column.to_pylist() for column in rows.columns)))
    # None first, as the order says.
    keys = [tuple((value is not None, value) for value in key) for key in keys]
    return all(left <= right for left, right in zip(keys, keys[1:]))


paths = [task.file.file_path.removeprefix("file://") for task in scan.plan_files()]
footers = [parquet.ParquetFile(path).metadata for path in paths]
print(
    json.dumps(
        {
            "columns": [field.name for field in table.schema().fields],
            "spec": [[names[f.source_id], f.name, str(f.transform)] for f in table.spec().fields],
            "sort": [[names[f.source_id], str(f.direction.name), str(f.null_order.name)] for f in table.sort_order().fields],
            "codecs": sorted({footer.row_group(0).column(0).compression for footer in footers}),
            "files": len(paths),
            "sorted_files": sum(is_sorted(path) for path in paths) if order else 0,
            "sorting_columns": sorted({len(footer.row_group(0).sorting_columns) for footer in footers}),
            "partitions": sorted({json.dumps([str(value) for value in task.file.partition]) for task in scan.plan_files()}),
            "rows": arrow.num_rows,
            "nulls": {name: arrow.column(name).null_count for name in arrow.column_names},
            "properties": {key: value for key, value in table.properties.items() if "parquet" in key or key == "k2.columns"},
        }
    )
)
