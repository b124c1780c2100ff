"""Changes a table of trades as other engines do, by pyiceberg: argv = catalog file, namespace.table, action, [argument].

evolve    renames currency to ccy, adds the column note, widens kafka_partition to long, then appends three rows with all of them
rewrite   writes all data files anew (an overwrite of the table by its own rows)
nest      adds a field inside the struct column of this name
"""

import json
import sys

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.types import LongType, StringType

catalog = SqlCatalog("k2", uri=f"sqlite:///{sys.argv[1]}")
table = catalog.load_table(sys.argv[2])
action = sys.argv[3]
if action == "evolve":
    with table.update_schema() as update:
        update.rename_column("currency", "ccy")
        update.add_column("note", StringType())
        update.update_column("kafka_partition", field_type=LongType())
    table = table.refresh()
    rows = table.scan(limit=3).to_arrow()
    names = rows.schema.names
    for name, values in {"note": ["a", "b", None], "kafka_partition": [2**40, 2**40 + 1, None]}.items():
        index = names.index(name)
        rows = rows.set_column(index, rows.schema.field(index), pa.array(values, rows.schema.field(index).type))
    table.append(rows)
elif action == "rewrite":
    table.overwrite(table.scan().to_arrow())
elif action == "nest":
    with table.update_schema() as update:
        update.add_column((sys.argv[4], "more"), StringType())
print(json.dumps({"snapshot": str(table.refresh().current_snapshot().snapshot_id)}))
