"""Every row of a table of dead letters, by pyiceberg: argv = catalog file, namespace.table. Prints a JSON list; bytes in base64."""

import base64
import json
import sys

from pyiceberg.catalog.sql import SqlCatalog

table = SqlCatalog("k2", uri=f"sqlite:///{sys.argv[1]}").load_table(sys.argv[2])
text = lambda value: None if value is None else base64.b64encode(value).decode()
time = lambda value: None if value is None else value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
rows = [
    {
        "topic": row["kafka_topic"],
        "topic_id": row["kafka_topic_id"],
        "partition": row["kafka_partition"],
        "offset": str(row["kafka_offset"]),
        "timestamp": time(row["kafka_timestamp"]),
        "key": text(row["kafka_key"]),
        "headers": [{"key": header["key"], "value": text(header["value"])} for header in row["kafka_headers"]],
        "value": text(row["value"]),
        "schema_id": row["schema_id"],
        "error_code": row["error_code"],
        "error_text": row["error_text"],
        "field_path": row["field_path"],
        "route": row["route"],
        "seen_at": time(row["seen_at"]),
        "k2_version": row["k2_version"],
    }
    for row in table.scan().to_arrow().to_pylist()
]
print(json.dumps(sorted(rows, key=lambda row: (row["topic"], row["partition"], int(row["offset"])))))
