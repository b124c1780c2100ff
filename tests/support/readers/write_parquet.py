"""Writes a Parquet file of trades with Iceberg field ids: argv = path, day (YYYY-MM-DD), rows, first offset."""

import datetime
import decimal
import json
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq

path, day, rows, first = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


def field(field_id, name, kind, nullable=True):
    return pa.field(name, kind, nullable=nullable, metadata={"PARQUET:field_id": str(field_id)})


schema = pa.schema(
    [
        field(1, "symbol", pa.string(), nullable=False),
        field(2, "price", pa.decimal128(18, 8)),
        field(3, "timestamp", pa.timestamp("us", tz="UTC"), nullable=False),
        field(4, "kafka_offset", pa.int64()),
    ]
)
start = datetime.datetime.fromisoformat(day).replace(tzinfo=datetime.timezone.utc)
table = pa.table(
    {
        "symbol": ["BHP" if i % 2 == 0 else "RIO" for i in range(rows)],
        "price": [decimal.Decimal(i) / 4 for i in range(rows)],
        "timestamp": [start + datetime.timedelta(seconds=i) for i in range(rows)],
        "kafka_offset": [first + i for i in range(rows)],
    },
    schema=schema,
)
os.makedirs(os.path.dirname(path), exist_ok=True)
pq.write_table(table, path, compression="zstd")
print(json.dumps({"rows": rows, "bytes": os.path.getsize(path)}))
