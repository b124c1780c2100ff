"""Reads a table by pyiceberg's SQL catalog: argv = catalog file, namespace.table, [row filter]. Prints one JSON object."""

import json
import sys

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import AlwaysTrue

catalog = SqlCatalog("k2", uri=f"sqlite:///{sys.argv[1]}")
name = sys.argv[2]
table = catalog.load_table(name)
row_filter = sys.argv[3] if len(sys.argv) > 3 else AlwaysTrue()
scan = table.scan(row_filter=row_filter)
tasks = list(scan.plan_files())
arrow = scan.to_arrow()
snapshot = table.current_snapshot()
print(
    json.dumps(
        {
            "namespaces": [".".join(each) for each in catalog.list_namespaces()],
            "tables": [".".join(each) for each in catalog.list_tables(name.rsplit(".", 1)[0])],
            "uuid": str(table.metadata.table_uuid),
            "fields": [[f.field_id, f.name, str(f.field_type), f.required] for f in table.schema().fields],
            "spec": [[f.source_id, f.field_id, f.name, str(f.transform)] for f in table.spec().fields],
            "refs": {ref: str(each.snapshot_id) for ref, each in table.metadata.refs.items()},
            "snapshots": [
                [str(s.snapshot_id), None if s.parent_snapshot_id is None else str(s.parent_snapshot_id), s.sequence_number]
                for s in table.metadata.snapshots
            ],
            "summary": None if snapshot is None else {**snapshot.summary.additional_properties, "operation": snapshot.summary.operation.value},
            "planned": sorted(task.file.file_path for task in tasks),
            "partitions": sorted(str(task.file.partition[0]) for task in tasks) if table.spec().fields else [],
            "manifests": [] if snapshot is None else table.inspect.manifests().to_pylist(),
            "files": [] if snapshot is None else table.inspect.files().select(["file_path", "record_count", "lower_bounds", "upper_bounds"]).to_pylist(),
            "rows": arrow.num_rows,
            "offsets": sorted(value for value in arrow.column("kafka_offset").to_pylist() if value is not None),
            "properties": table.properties,
        },
        default=lambda value: value.hex() if isinstance(value, bytes) else str(value),
    )
)
