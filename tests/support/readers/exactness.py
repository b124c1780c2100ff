"""Random Avro schemas and values at the edges of their types, by fastavro; and what pyiceberg and DuckDB read of them afterwards.

argv = "make", folder, seed, schemas, records: writes folder/<n>.avsc, and folder/<n>.txt with a base64 datum per line.
argv = "check", folder, catalog file, schemas: compares table market_data.exact<n>_v2, by offset, with what fastavro decodes of the same
bytes. Prints {"values": how many were compared, "differences": the first of them}."""

import base64
import datetime
import decimal
import io
import json
import math
import random
import struct
import sys
import uuid

import duckdb
import fastavro
from pyiceberg.catalog.sql import SqlCatalog

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1)
FIRST_US = (datetime.datetime(1, 1, 1) - EPOCH) // datetime.timedelta(microseconds=1)
LAST_US = (datetime.datetime(9999, 12, 31, 23, 59, 59, 999999) - EPOCH) // datetime.timedelta(microseconds=1)
DIFFERENCES_MAX = 10
decimal.getcontext().prec = 60


class Maker:
    """Schemas as Avro JSON with a function that makes a value of each, as fastavro writes it."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = 0

    def name(self):
        self.names += 1
        return f"N{self.names}"

    def one_of(self, edges, other):
        return lambda: self.random.choice(edges) if self.random.random() < 0.4 else other()

    def integers(self, schema, bits):
        low, high = -(1 << bits - 1), (1 << bits - 1) - 1
        return schema, self.one_of([low, high, 0, 1, -1, 63, 64, -64, -65], lambda: self.random.randint(low, high))

    def instant(self, unit_us):
        return self.one_of([FIRST_US, LAST_US, 0, -1, 1], lambda: self.random.randint(FIRST_US, LAST_US))() // unit_us * unit_us

    def timestamp(self, logical, unit_us, zone):
        def make():
            at = EPOCH + datetime.timedelta(microseconds=self.instant(unit_us))
            return at.replace(tzinfo=zone)

        return {"type": "long", "logicalType": logical}, make

    def text(self):
        sizes = [0, 1, 7, 300]
        letters = "aZ0 \u00e4\u20ac\U0001f642\u0000\ufeff\n"
        return "".join(self.random.choice(letters) for _ in range(self.random.choice(sizes)))

    def decimals(self):
        precision = self.random.randint(1, 38)
        scale = self.random.randint(0, precision)
        largest = 10**precision - 1
        make = self.one_of([largest, -largest, 0, 1, -1], lambda: self.random.randint(-largest, largest))
        logical = {"logicalType": "decimal", "precision": precision, "scale": scale}
        if self.random.random() < 0.5:
            schema = {"type": "bytes", **logical}
        else:
            size = (largest.bit_length() + 8) // 8
            schema = {"type": "fixed", "name": self.name(), "size": size, **logical}
        return schema, lambda: decimal.Decimal(make()).scaleb(-scale)

    def floats(self, schema):
        def make():
            value = self.random.uniform(-1e30, 1e30)
            return struct.unpack("<f", struct.pack("<f", value))[0] if schema == "float" else value

        edges = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, 5e-324 if schema == "double" else 1.401298464324817e-45]
        return schema, self.one_of(edges, make)

    def leaf(self):
        symbols = ["BUY", "SELL", "UNKNOWN"]
        size = self.random.randint(1, 40)
        dates = self.one_of([0, -719162, 2932896], lambda: self.random.randint(-719162, 2932896))
        makers = [
            lambda: ("boolean", lambda: self.random.random() < 0.5),
            lambda: self.integers("int", 32),
            lambda: self.integers("long", 64),
            lambda: self.floats("float"),
            lambda: self.floats("double"),
            lambda: ("string", self.text),
            lambda: ("bytes", lambda: self.random.randbytes(self.random.choice([0, 1, 30, 400]))),
            lambda: ({"type": "fixed", "name": self.name(), "size": size}, lambda: self.random.randbytes(size)),
            lambda: ({"type": "enum", "name": self.name(), "symbols": symbols}, lambda: self.random.choice(symbols)),
            lambda: ({"type": "string", "logicalType": "uuid"}, lambda: uuid.UUID(int=self.random.getrandbits(128))),
            lambda: ({"type": "int", "logicalType": "date"}, lambda: EPOCH.date() + datetime.timedelta(days=dates())),
            lambda: self.timestamp("timestamp-millis", 1000, UTC),
            lambda: self.timestamp("timestamp-micros", 1, UTC),
            lambda: self.timestamp("local-timestamp-millis", 1000, None),
            lambda: self.timestamp("local-timestamp-micros", 1, None),
            self.decimals,
            self.decimals,
        ]
        return self.random.choice(makers)()

    def kind(self, depth):
        chance = self.random.random()
        if depth == 0 or chance < 0.6:
            schema, make = self.leaf()
        elif chance < 0.75:
            items, item = self.kind(depth - 1)
            schema, make = {"type": "array", "items": items}, lambda: [item() for _ in range(self.random.randint(0, 4))]
        elif chance < 0.87:
            values, value = self.kind(depth - 1)
            schema = {"type": "map", "values": values}
            make = lambda: {self.text(): value() for _ in range(self.random.randint(0, 3))}
        else:
            schema, make = self.record(depth - 1)
        if self.random.random() < 0.4:
            return ["null", schema], lambda: None if self.random.random() < 0.3 else make()
        return schema, make

    def record(self, depth):
        kinds = [self.kind(depth) for _ in range(self.random.randint(1, 5))]
        fields = [{"name": f"f{at}", "type": schema} for at, (schema, _) in enumerate(kinds)]
        return (
            {"type": "record", "name": self.name(), "fields": fields},
            lambda: {f"f{at}": make() for at, (_, make) in enumerate(kinds)},
        )


def plain(value):
    """The same text for the same value, whoever read it; instants in microseconds."""
    if isinstance(value, dict):
        return {"entries": sorted([plain(key), plain(each)] for key, each in value.items())}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value.hex()
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, datetime.datetime):
        kind = "instant" if value.tzinfo else "local"
        at = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return f"{kind} {(at - EPOCH) // datetime.timedelta(microseconds=1)}"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "bytes " + bytes(value).hex()
    return str(value)


def make(folder, seed, schemas, records):
    for at in range(schemas):
        maker = Maker(seed * 1000 + at)
        schema, value = maker.record(2)
        parsed = fastavro.parse_schema(schema)
        with open(f"{folder}/{at}.avsc", "w", encoding="utf-8") as file:
            json.dump(schema, file)
        with open(f"{folder}/{at}.txt", "w", encoding="utf-8") as file:
            for _ in range(records):
                out = io.BytesIO()
                fastavro.schemaless_writer(out, parsed, value())
                file.write(base64.b64encode(out.getvalue()).decode() + "\n")


def is_map(schema):
    return isinstance(schema, dict) and schema["type"] == "map"


def shaped(schema, value):
    """A map as Arrow has it, pairs, becomes a dictionary as the schema has it."""
    if value is None:
        return None
    if isinstance(schema, list):
        return shaped(next(branch for branch in schema if branch != "null"), value)
    if not isinstance(schema, dict):
        return value
    if is_map(schema):
        pairs = value.items() if isinstance(value, dict) else value
        return {key: shaped(schema["values"], each) for key, each in pairs}
    if schema["type"] == "array":
        return [shaped(schema["items"], each) for each in value]
    if schema["type"] == "record":
        return {field["name"]: shaped(field["type"], value[field["name"]]) for field in schema["fields"]}
    return value


def check(folder, catalog_file, schemas):
    catalog = SqlCatalog("k2", uri=f"sqlite:///{catalog_file}")
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    count, differences = 0, []
    for at in range(schemas):
        with open(f"{folder}/{at}.avsc", encoding="utf-8") as file:
            schema = json.load(file)
        parsed = fastavro.parse_schema(json.loads(json.dumps(schema)))
        with open(f"{folder}/{at}.txt", encoding="utf-8") as file:
            wanted = [fastavro.schemaless_reader(io.BytesIO(base64.b64decode(line)), parsed) for line in file]
        scan = catalog.load_table(f"market_data.exact{at}_v2").scan()
        files = [task.file.file_path.removeprefix("file://") for task in scan.plan_files()]
        cursor = connection.execute(f"select * from read_parquet({files}, hive_partitioning = false) order by kafka_offset")
        columns = [column[0] for column in cursor.description]
        found = {
            "pyiceberg": scan.to_arrow().sort_by("kafka_offset").to_pylist(),
            "duckdb": [dict(zip(columns, row)) for row in cursor.fetchall()],
        }
        for reader, rows in found.items():
            if len(rows) != len(wanted):
                differences.append(f"{reader}: table {at} has {len(rows)} rows of {len(wanted)}")
            for index, (row, record) in enumerate(zip(rows, wanted)):
                for field in schema["fields"]:
                    count += 1
                    values = [plain(shaped(field["type"], each[field["name"]])) for each in (row, record)]
                    if values[0] != values[1]:
                        differences.append(f"{reader}: table {at} row {index} {field}: {values[0]!s:.200} for {values[1]!s:.200}")
    print(json.dumps({"values": count, "differences": differences[:DIFFERENCES_MAX]}))


if sys.argv[1] == "make":
    make(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
    print("{}")
else:
    check(sys.argv[2], sys.argv[3], int(sys.argv[4]))
