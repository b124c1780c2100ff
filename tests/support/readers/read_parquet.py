"""Reads Parquet files by pyarrow and by DuckDB, one request a line, as reader-process.ts asks: words split by tabs.

pyarrow-rows PATH, duckdb-rows PATH                        the rows, in the text of conformance-canonical.ts
pyarrow-count PATH COLUMN OP VALUE, duckdb-count (same)    how many rows a predicate finds
facts PATH                                                 one JSON object: what pyarrow sees in the footer

An answer is some lines and then a line with one dot; a line that begins with ! is an error.
"""

import decimal
import functools
import json
import operator
import struct
import sys
import uuid

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

decimal.getcontext().prec = 100
connection = duckdb.connect()
connection.execute("set timezone = 'UTC'; set threads = 1; set arrow_lossless_conversion = true")


def float_text(kind, value):
    return "nan" if value != value else struct.pack(kind, value).hex()


def texts(array):
    """The values of an Arrow array, each as its text."""
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        is_boolean = kind.extension_name == "arrow.bool8"
        return texts(array.storage.cast(pa.bool_()) if is_boolean else array.storage)
    if pa.types.is_struct(kind):
        children = [texts(array.field(i)) for i in range(kind.num_fields)]
        values = ["(" + ",".join(row) + ")" for row in zip(*children)]
    elif pa.types.is_map(kind):
        # The offsets hold for the whole child arrays, whatever part of them this array shows.
        keys, items = texts(array.keys), texts(array.items)
        pairs = [f"{key}:{item}" for key, item in zip(keys, items)]
        values = ["{" + ",".join(pairs[a:b]) + "}" for a, b in spans(array)]
    elif pa.types.is_list(kind):
        items = texts(array.values)
        values = ["[" + ",".join(items[a:b]) + "]" for a, b in spans(array)]
    else:
        return ["null" if value is None else value for value in primitive_texts(array, kind)]
    return [value if valid else "null" for value, valid in zip(values, array.is_valid().to_pylist())]


def spans(array):
    ends = array.offsets.to_pylist()
    return zip(ends, ends[1:])


def primitive_texts(array, kind):
    if pa.types.is_boolean(kind):
        return [None if v is None else str(v).lower() for v in array.to_pylist()]
    if pa.types.is_floating(kind):
        code = ">f" if kind == pa.float32() else ">d"
        return [None if v is None else float_text(code, v) for v in array.to_pylist()]
    if pa.types.is_decimal(kind):
        return [None if v is None else str(int(v.scaleb(kind.scale))) for v in array.to_pylist()]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return [None if v is None else "x" + v.encode().hex() for v in array.to_pylist()]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return [None if v is None else "x" + v.hex() for v in array.to_pylist()]
    if pa.types.is_date32(kind):
        array = array.view(pa.int32())
    elif pa.types.is_temporal(kind):
        array = array.view(pa.int64())
    elif not pa.types.is_integer(kind):
        raise TypeError(f"no text for {kind}")
    return [None if v is None else str(v) for v in array.to_pylist()]


def row_lines(table):
    if table.num_rows == 0:
        return []
    columns = []
    for column in table.columns:
        found = []
        for chunk in column.chunks:
            found.extend(texts(chunk))
        columns.append(found)
    return ["(" + ",".join(row) + ")" for row in zip(*columns)]


def quoted(path):
    return "'" + path.replace("'", "''") + "'"


def duckdb_table(path):
    found = connection.sql(f"select * from read_parquet({quoted(path)}, hive_partitioning = false)").arrow()
    return found if isinstance(found, pa.Table) else found.read_all()


def binary(text):
    assert text[0] == "x", text
    return bytes.fromhex(text[1:])


def real(text):
    return struct.unpack(">f" if len(text) == 8 else ">d", bytes.fromhex(text))[0]


def arrow_scalar(kind, text):
    if isinstance(kind, pa.ExtensionType):
        return pa.scalar(uuid.UUID(bytes=binary(text)), kind)
    if pa.types.is_boolean(kind):
        return pa.scalar(text == "true", kind)
    if pa.types.is_floating(kind):
        return pa.scalar(real(text), kind)
    if pa.types.is_decimal(kind):
        return pa.scalar(decimal.Decimal(int(text)).scaleb(-kind.scale), kind)
    if pa.types.is_string(kind):
        return pa.scalar(binary(text).decode(), kind)
    if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.scalar(binary(text), kind)
    integer = pa.int32() if pa.types.is_date32(kind) else pa.int64() if pa.types.is_temporal(kind) else kind
    return pa.array([int(text)], integer).view(kind)[0]


OPERATORS = {"=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@functools.lru_cache(maxsize=8)
def dataset(path):
    return ds.dataset(path, format="parquet")


def pyarrow_count(path, column, op, text):
    source = dataset(path)
    value = arrow_scalar(source.schema.field(column).type, text)
    return source.count_rows(filter=OPERATORS[op](ds.field(column), value))


@functools.lru_cache(maxsize=8)
def duckdb_types(path):
    described = connection.sql(f"describe select * from read_parquet({quoted(path)}, hive_partitioning = false)")
    return {row[0]: row[1] for row in described.fetchall()}


def duckdb_literal(kind, text):
    """SQL and its parameter. Times are made from their integers, which the optimizer folds before it pushes the filter down."""
    if kind == "BOOLEAN":
        return "?", text == "true"
    if kind in ("FLOAT", "DOUBLE"):
        return f"?::{kind}", real(text)
    if kind.startswith("DECIMAL"):
        scale = int(kind[:-1].split(",")[1])
        return f"?::{kind}", format(decimal.Decimal(int(text)).scaleb(-scale), "f")
    if kind == "VARCHAR":
        return "?::VARCHAR", binary(text).decode()
    if kind == "BLOB":
        return "?::BLOB", binary(text)
    if kind == "UUID":
        return "?::UUID", str(uuid.UUID(bytes=binary(text)))
    if kind == "DATE":
        return "make_date(?::INTEGER)", int(text)
    if kind == "TIME":
        return "(TIME '00:00:00' + to_microseconds(?))", int(text)
    if kind == "TIMESTAMP":
        return "make_timestamp(?)", int(text)
    if kind == "TIMESTAMP_NS":
        return "make_timestamp_ns(?)", int(text)
    if kind == "TIMESTAMPTZ_NS":
        return "make_timestamp_ns(?)::TIMESTAMPTZ_NS", int(text)
    if kind == "TIMESTAMP WITH TIME ZONE":
        return "make_timestamptz(?)", int(text)
    return f"?::{kind}", int(text)


def duckdb_count(path, column, op, text):
    sql, value = duckdb_literal(duckdb_types(path)[column], text)
    query = f'select count(*) from read_parquet({quoted(path)}, hive_partitioning = false) where "{column}" {op} {sql}'
    [(found,)] = connection.execute(query, [value]).fetchall()
    return found


def field_facts(field, prefix=()):
    """[path, field id, nullable] of a field and of all below."""
    path = (*prefix, field.name)
    metadata = field.metadata or {}
    found = [[".".join(path), int(metadata.get(b"PARQUET:field_id", -1)), field.nullable]]
    kind = field.type
    below = []
    if pa.types.is_struct(kind):
        below = [kind.field(i) for i in range(kind.num_fields)]
    elif pa.types.is_map(kind):
        below = [kind.key_field, kind.item_field]
    elif pa.types.is_list(kind):
        below = [kind.value_field]
    for child in below:
        found.extend(field_facts(child, path))
    return found


def leaf_facts(column):
    return {
        "path": column.path,
        "physical": column.physical_type,
        "length": column.length,
        "logical": json.loads(column.logical_type.to_json()),
        "converted": column.converted_type,
        "levels": [column.max_definition_level, column.max_repetition_level],
    }


def chunk_facts(chunk):
    statistics = chunk.statistics if chunk.is_stats_set else None
    bounds = statistics is not None and statistics.has_min_max
    return {
        "values": chunk.num_values,
        "nulls": statistics.null_count if statistics is not None and statistics.has_null_count else None,
        "bounds": [repr(statistics.min_raw), repr(statistics.max_raw)] if bounds else None,
        "indexes": [chunk.has_offset_index, chunk.has_column_index],
        "compression": chunk.compression,
        "encodings": list(chunk.encodings),
    }


def facts(path):
    with pq.ParquetFile(path) as file:
        metadata = file.metadata
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        return {
            "createdBy": metadata.created_by,
            "rows": metadata.num_rows,
            "arrow": [str(field.type) for field in file.schema_arrow],
            "fields": [fact for field in file.schema_arrow for fact in field_facts(field)],
            "leaves": [leaf_facts(file.schema.column(i)) for i in range(len(file.schema))],
            "rowGroups": [
                {
                    "rows": group.num_rows,
                    "sorting": [[s.column_index, s.descending, s.nulls_first] for s in group.sorting_columns],
                    "chunks": [chunk_facts(group.column(i)) for i in range(group.num_columns)],
                }
                for group in groups
            ],
        }


def answer(command, *words):
    match command:
        case "pyarrow-rows":
            return row_lines(pq.read_table(words[0], partitioning=None))
        case "duckdb-rows":
            return row_lines(duckdb_table(words[0]))
        case "pyarrow-count":
            return [str(pyarrow_count(*words))]
        case "duckdb-count":
            return [str(duckdb_count(*words))]
        case "facts":
            return [json.dumps(facts(words[0]))]
    raise ValueError(f"no command {command}")


for request in sys.stdin:
    try:
        lines = answer(*request.rstrip("\n").split("\t"))
    except Exception as error:
        lines = ["!" + f"{type(error).__name__}: {error}".replace("\n", " ")]
    sys.stdout.write("".join(f"{line}\n" for line in lines) + ".\n")
    sys.stdout.flush()
