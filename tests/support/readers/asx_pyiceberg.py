"""Reads the trades of a table by pyiceberg: argv = catalog file, namespace.table. Prints one JSON object."""

import json
import sys

import pyarrow as pa
import pyarrow.compute as pc
from asx_facts import COLUMNS, symbol_facts
from pyiceberg.catalog.sql import SqlCatalog

catalog = SqlCatalog("k2", uri=f"sqlite:///{sys.argv[1]}")
table = catalog.load_table(sys.argv[2])
scan = table.scan()
arrow = scan.to_arrow()
times = {
    name: arrow.column(name).cast(pa.int64()) for name in ("timestamp", "ingestion_timestamp", "kafka_timestamp")
}
rows = zip(*(
    (times["timestamp"] if name == "timestamp_us" else arrow.column(name)).to_pylist() for name in COLUMNS
))


def null_counts_of_manifests():
    names = {f.field_id: f.name for f in table.schema().fields}
    counts = dict.fromkeys(names.values(), 0)
    for file in table.inspect.files().select(["null_value_counts"]).to_pylist():
        for field_id, count in file["null_value_counts"]:
            if field_id in names:
                counts[names[field_id]] += count
    return counts


def rows_at(snapshot):
    return table.scan(snapshot_id=snapshot.snapshot_id, selected_fields=("kafka_offset",)).to_arrow().num_rows


def offsets_of_partitions():
    found = {}
    for partition, offset in zip(arrow.column("kafka_partition").to_pylist(), arrow.column("kafka_offset").to_pylist()):
        found.setdefault(partition, []).append(offset)
    return {str(p): [min(o), max(o) + 1, len(set(o))] for p, o in sorted(found.items())}


def day_of(text):
    """What a filter on one UTC day plans and reads."""
    filtered = table.scan(
        row_filter=f"timestamp >= '{text}T00:00:00+00:00' and timestamp <= '{text}T23:59:59.999999+00:00'"
    )
    return {
        "partitions": sorted({str(task.file.partition[0]) for task in filtered.plan_files()}),
        "files": len(list(filtered.plan_files())),
        "rows": filtered.to_arrow().num_rows,
    }


days = sorted({str(value) for value in pc.strftime(arrow.column("timestamp"), "%Y-%m-%d").unique().to_pylist()})
print(
    json.dumps(
        {
            "types": {field.name: str(field.type) for field in arrow.schema},
            "symbols": symbol_facts(rows),
            "nulls": {name: arrow.column(name).null_count for name in arrow.column_names},
            "nulls_of_manifests": null_counts_of_manifests(),
            "times_equal": times["timestamp"] == times["ingestion_timestamp"] == times["kafka_timestamp"],
            "topics": arrow.column("kafka_topic").unique().to_pylist(),
            "offsets": offsets_of_partitions(),
            "days": {day: day_of(day) for day in days},
            "files": sorted(task.file.file_path for task in scan.plan_files()),
            "rows_of_snapshots": [rows_at(snapshot) for snapshot in table.metadata.snapshots],
        }
    )
)
