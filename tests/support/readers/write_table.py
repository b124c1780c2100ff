"""Writes to a table by pyiceberg: argv = catalog file, namespace.table, append|delete|evolve|expire|create, [argument].

append N      appends rows with offsets N and N + 1 on 2014-03-20
delete WHERE  deletes the rows of a filter (copy on write)
evolve        adds an optional column `note` by a schema change
create ROOT   makes namespace and table below ROOT, with one column partitioned by day
"""

import datetime
import decimal
import json
import sys

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform
from pyiceberg.types import LongType, NestedField, StringType, TimestamptzType

catalog = SqlCatalog("k2", uri=f"sqlite:///{sys.argv[1]}")
name, action = sys.argv[2], sys.argv[3]
if action == "create":
    catalog.create_namespace_if_not_exists(name.rsplit(".", 1)[0])
    schema = Schema(
        NestedField(1, "kafka_offset", LongType(), required=False),
        NestedField(2, "timestamp", TimestamptzType(), required=False),
    )
    spec = PartitionSpec(PartitionField(source_id=2, field_id=1000, transform=DayTransform(), name="timestamp_day"))
    catalog.create_table(name, schema=schema, partition_spec=spec, location=f"{sys.argv[4]}/{name.replace('.', '/')}")
table = catalog.load_table(name)
if action == "append":
    first = int(sys.argv[4])
    when = datetime.datetime(2014, 3, 20, tzinfo=datetime.timezone.utc)
    rows = [
        {"symbol": "PYI", "price": decimal.Decimal(1), "timestamp": when, "kafka_offset": first + i} for i in range(2)
    ]
    arrow_schema = table.schema().as_arrow()
    names = set(arrow_schema.names)
    rows = [{k: v for k, v in row.items() if k in names} for row in rows]
    table.append(pa.Table.from_pylist(rows, schema=arrow_schema))
elif action == "delete":
    table.delete(sys.argv[4])
elif action == "evolve":
    with table.update_schema() as update:
        update.add_column("note", StringType())
snapshot = table.refresh().current_snapshot()
print(json.dumps({"snapshot": None if snapshot is None else str(snapshot.snapshot_id)}))
