"""What a table of trades holds, by a reader that wrote neither side: rows, and sums that no row lost, doubled or cut leaves equal.

Usage: table-sums.py <catalog file>. Prints one JSON document; sums as text, since they outgrow a double.
"""
import json
import sys

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog.sql import SqlCatalog

table = SqlCatalog("k2", uri=f"sqlite:///{sys.argv[1]}").load_table("market_data.trades_v2")
columns = ("source_sequence", "timestamp", "price", "quantity", "message_id")
sums = {"rows": 0, "source_sequence": 0, "timestamp": 0, "price": 0, "quantity": 0, "message_id_bytes": 0}
for batch in table.scan(selected_fields=columns).to_arrow_batch_reader():
    sums["rows"] += batch.num_rows
    sums["source_sequence"] += pc.sum(batch["source_sequence"]).as_py() or 0
    # As decimals: a million microseconds since 1970 outgrow 64 bits together.
    micros = pc.cast(pc.cast(batch["timestamp"], pa.int64()), pa.decimal128(38, 0))
    sums["timestamp"] += pc.sum(micros).as_py() or 0
    for name in ("price", "quantity"):
        sums[name] += pc.sum(pc.cast(batch[name], pa.decimal128(38, 8))).as_py() or 0
    sums["message_id_bytes"] += pc.sum(pc.binary_length(batch["message_id"])).as_py() or 0
print(json.dumps({name: str(value) for name, value in sums.items()}))
