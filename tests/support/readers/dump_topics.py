"""What a read_committed consumer of librdkafka sees of topics, as one JSON line per record:
[partition, offset, "create" | "append", timestamp, key, value, [[header, value], ...]], bytes in base64.

Usage: dump_topics.py BROKERS OUTPUT_FOLDER TOPIC...   writes OUTPUT_FOLDER/TOPIC.jsonl, prints {topic: [records per partition]}
"""
import base64
import json
import sys
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

# A partition whose last records were compacted away never says that it has ended.
IDLE_SECONDS = 4


def text(value):
    return None if value is None else base64.b64encode(value).decode()


def line(message):
    kind, timestamp = message.timestamp()
    headers = [[text(name.encode()), text(value)] for name, value in message.headers() or []]
    kind = "append" if kind == 2 else "create"
    fields = [message.partition(), message.offset(), kind, timestamp, text(message.key()), text(message.value()), headers]
    return json.dumps(fields, separators=(",", ":"))


def main():
    brokers, folder, topics = sys.argv[1], sys.argv[2], sys.argv[3:]
    consumer = Consumer({
        "bootstrap.servers": brokers,
        "group.id": "dump",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "check.crcs": True,
        "fetch.wait.max.ms": 50,
        "fetch.message.max.bytes": 4000000,
    })
    lines = {}
    for topic in topics:
        for partition in consumer.list_topics(topic, 10).topics[topic].partitions:
            lines[topic, partition] = []
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for topic, partition in lines])
    left, since = set(lines), time.monotonic()
    while left and time.monotonic() - since < IDLE_SECONDS:
        for message in consumer.consume(1000, 0.1):
            error, place = message.error(), (message.topic(), message.partition())
            if error is None:
                lines[place].append(line(message))
                since = time.monotonic()
            elif error.code() == KafkaError._PARTITION_EOF:
                left.discard(place)
            else:
                raise KafkaException(error)
    consumer.close()
    counts = {}
    for topic in topics:
        partitions = [found for (name, _), found in sorted(lines.items()) if name == topic]
        counts[topic] = [len(found) for found in partitions]
        with open(f"{folder}/{topic}.jsonl", "w", encoding="ascii") as file:
            for found in partitions:
                file.writelines(f"{each}\n" for each in found)
    print(json.dumps(counts))


main()
