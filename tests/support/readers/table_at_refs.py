"""What a table shows at its head and at each tag: argv = catalog file, namespace.table, [command]. Prints one JSON object by ref.

command `overwrite`: first writes all rows of the head anew, as a compaction would, in a snapshot of pyiceberg's own.
"""

import json
import sys

from pyiceberg.catalog.sql import SqlCatalog

table = SqlCatalog("k2", uri=f"sqlite:///{sys.argv[1]}").load_table(sys.argv[2])
if sys.argv[3:] == ["overwrite"]:
    table.overwrite(table.scan().to_arrow())
shown = {}
for name, ref in table.metadata.refs.items():
    arrow = table.scan(snapshot_id=ref.snapshot_id).to_arrow()
    keys = zip(arrow.column("kafka_partition").to_pylist(), arrow.column("kafka_offset").to_pylist())
    shown[name] = sorted([partition, offset] for partition, offset in keys)
print(json.dumps(shown))
