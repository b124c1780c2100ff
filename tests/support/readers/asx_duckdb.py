"""Reads the trades of Parquet files by DuckDB, which knows nothing of the table: argv = files. Prints one JSON object."""

import json
import sys

import duckdb
from asx_facts import symbol_facts

files = [path.removeprefix("file://") for path in sys.argv[1:]]
connection = duckdb.connect()
connection.execute("set timezone = 'UTC'")
connection.execute(f"create view trades as select * from read_parquet({files}, hive_partitioning = false)")
columns = connection.sql("describe trades").fetchall()
nulls = ", ".join(f'count(*) - count("{column[0]}")' for column in columns)
sums = connection.sql(
    """select symbol, sum((price::decimal(28, 8) * 100000000)::hugeint * (quantity::decimal(28, 8) * 100000000)::hugeint)::varchar
       from trades group by symbol"""
).fetchall()
rows = connection.sql(
    'select symbol, trade_id, price, quantity, epoch_us("timestamp"), trade_conditions from trades'
).fetchall()
print(
    json.dumps(
        {
            "types": {column[0]: column[1] for column in columns},
            "symbols": symbol_facts(rows),
            "sums": dict(sums),
            "nulls": dict(zip((column[0] for column in columns), connection.sql(f"select {nulls} from trades").fetchall()[0])),
            "vendor_ids": [
                list(row)
                for row in connection.sql(
                    "select symbol, vendor_data['company_id'] as id, count(*) from trades group by all order by symbol"
                ).fetchall()
            ],
        }
    )
)
