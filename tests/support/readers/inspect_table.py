"""What pyiceberg's inspect tables say: argv = catalog file, namespace.table. Prints one JSON object; 64-bit numbers as text."""

import datetime
import json
import sys
from decimal import Decimal

from pyiceberg.catalog.sql import SqlCatalog

table = SqlCatalog("k2", uri=f"sqlite:///{sys.argv[1]}").load_table(sys.argv[2])


def text(value):
    if isinstance(value, datetime.datetime):
        micros = value.replace(tzinfo=None).isoformat(timespec="microseconds")
        return micros + ("Z" if value.tzinfo is not None else "")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return None if value is None else str(value)


def bounds(metrics):
    return {
        name: {"lower": text(each["lower_bound"]), "upper": text(each["upper_bound"]), "nulls": text(each["null_value_count"])}
        for name, each in metrics.items()
        if each["lower_bound"] is not None
    }


inspect = table.inspect
print(
    json.dumps(
        {
            "snapshots": [
                {
                    "snapshot_id": str(row["snapshot_id"]),
                    "parent_snapshot_id": text(row["parent_id"]),
                    "time_ms": round(row["committed_at"].replace(tzinfo=datetime.timezone.utc).timestamp() * 1000),
                    "operation": row["operation"],
                    "summary": dict(row["summary"]),
                }
                for row in inspect.snapshots().to_pylist()
            ],
            "files": [
                {
                    "location": row["file_path"],
                    "rows": str(row["record_count"]),
                    "bytes": str(row["file_size_in_bytes"]),
                    "bounds": bounds(row["readable_metrics"]),
                }
                for row in inspect.files().to_pylist()
            ],
            "manifests": [{"path": row["path"], "length": row["length"]} for row in inspect.manifests().to_pylist()],
            "refs": [
                {"name": row["name"], "type": row["type"].lower(), "snapshot_id": str(row["snapshot_id"])}
                for row in inspect.refs().to_pylist()
            ],
            "partitions": [
                {
                    "day": str(row["partition"]["timestamp_day"]),
                    "rows": str(row["record_count"]),
                    "files": row["file_count"],
                    "bytes": str(row["total_data_file_size_in_bytes"]),
                }
                for row in inspect.partitions().to_pylist()
            ],
            "metadata_files": len(inspect.metadata_log_entries().to_pylist()),
        }
    )
)
