"""The same drain by Python, as fast as its libraries allow: librdkafka reads, polars decodes Avro in one call for 100,000 records,
pyiceberg appends. Two threads, so that reading overlaps decoding, encoding and committing; most of the work is in native code outside
the interpreter lock. It does less than K2: no provenance columns, no partitioning, no check of the records, no positions in the table.

Prints one JSON document: messages, commits, cpu_us (all threads), rss_mb_max, seconds from the first poll to the last commit.
"""
import argparse
import io
import json
import os
import queue
import resource
import threading
import time

import polars
import pyarrow as pa
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from pyiceberg.catalog.sql import SqlCatalog

# Magic byte and schema id before each Avro datum.
FRAME_BYTES = 5
POLL_RECORDS = 20_000


def without_maps(schema):
    """polars reads no Avro maps; in bytes a map is an array of records of key and value."""
    if isinstance(schema, list):
        return [without_maps(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "map":
        fields = [{"name": "key", "type": "string"}, {"name": "value", "type": without_maps(schema["values"])}]
        return {"type": "array", "items": {"type": "record", "name": "entry", "fields": fields}}
    kept = {key: value for key, value in schema.items() if key not in ("doc", "default")}
    return {key: without_maps(value) if key in ("type", "items", "fields") else value for key, value in kept.items()}


def varint(number):
    number <<= 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


class Decoder:
    """Record values to an Arrow table, through an Avro container of one block."""

    def __init__(self, schema):
        text = json.dumps(without_maps(schema)).encode()
        self.sync = b"k2-bench-python-"
        entries = varint(2) + varint(11) + b"avro.schema" + varint(len(text)) + text
        self.head = b"Obj\x01" + entries + varint(10) + b"avro.codec" + varint(4) + b"null" + b"\0" + self.sync
        self.maps = [field["name"] for field in schema["fields"] if "map" in json.dumps(field["type"])]

    def decode(self, values):
        body = b"".join([value[FRAME_BYTES:] for value in values])
        file = b"".join([self.head, varint(len(values)), varint(len(body)), body, self.sync])
        table = polars.read_avro(io.BytesIO(file)).to_arrow()
        return pa.table({name: self.column(name, table.column(name)) for name in table.column_names})

    def column(self, name, column):
        column = column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = column.chunk(0)
        if pa.types.is_dictionary(column.type):
            return column.cast(pa.string())
        if pa.types.is_large_string(column.type):
            return column.cast(pa.string())
        if name in self.maps:
            entries = column.values
            keys, values = (entries.field(index).cast(pa.string()) for index in (0, 1))
            return pa.MapArray.from_arrays(column.offsets.cast(pa.int32()), keys, values, mask=column.is_null())
        if pa.types.is_large_list(column.type):
            return column.cast(pa.list_(pa.string()))
        return column


def read(options, batches):
    """Reads every partition to the number of messages asked for, and hands over values by the batch; None at the end or on failure."""
    consumer = Consumer(
        {
            "bootstrap.servers": options.brokers,
            "group.id": "k2-bench-python",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "queued.min.messages": 500_000,
            "queued.max.messages.kbytes": 262_144,
            "fetch.message.max.bytes": 4_194_304,
            "fetch.max.bytes": 52_428_800,
            "fetch.wait.max.ms": 50,
        }
    )
    partitions = consumer.list_topics(options.topic, timeout=30).topics[options.topic].partitions
    consumer.assign([TopicPartition(options.topic, partition, OFFSET_BEGINNING) for partition in partitions])
    left = options.messages
    values = []
    while left > 0:
        wanted = min(POLL_RECORDS, options.rows - len(values), left)
        for message in consumer.consume(wanted, timeout=60):
            if message.error() is not None:
                raise RuntimeError(str(message.error()))
            values.append(message.value())
            left -= 1
        if len(values) >= options.rows or left == 0:
            batches.put(values)
            values = []
    consumer.close()


def drain(options):
    with open(options.schema) as file:
        decoder = Decoder(json.load(file))
    batches = queue.Queue(maxsize=2)
    failure = []

    def reading():
        try:
            read(options, batches)
        except Exception as error:
            failure.append(error)
        batches.put(None)

    start = time.monotonic()
    reader = threading.Thread(target=reading, daemon=True)
    reader.start()
    catalog = SqlCatalog("k2", uri=f"sqlite:///{options.catalog}", warehouse=f"file://{options.warehouse}")
    catalog.create_namespace_if_not_exists("market_data")
    table = None
    messages = commits = 0
    while (values := batches.get()) is not None:
        rows = decoder.decode(values)
        if table is None:
            table = catalog.create_table("market_data.trades_v2", rows.schema)
        table.append(rows)
        messages += len(values)
        commits += 1
    if failure:
        raise failure[0]
    return {"messages": messages, "commits": commits, "seconds": time.monotonic() - start}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--schema", required=True)
    parser.add_argument("--catalog", required=True)
    parser.add_argument("--warehouse", required=True)
    options = parser.parse_args()
    os.makedirs(options.warehouse, exist_ok=True)
    result = drain(options)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    result["cpu_us"] = round((usage.ru_utime + usage.ru_stime) * 1e6)
    result["rss_mb_max"] = round(usage.ru_maxrss / 1024)
    print(json.dumps(result))


main()
