"""Producers of librdkafka, driven by JSON lines on stdin and answering each with a line on stdout: "ok" or why not."""
import base64
import json
import os
import sys

from confluent_kafka import Producer


def bytes_of(text):
    return None if text is None else base64.b64decode(text)


def open_producer(brokers, command):
    config = {
        "bootstrap.servers": brokers,
        "compression.type": command["codec"],
        "enable.idempotence": command["idempotent"],
        # One send is one record batch per partition: nothing leaves before the flush.
        "linger.ms": 60000,
        "batch.size": 4000000,
        "batch.num.messages": 100000,
        "message.max.bytes": 8000000,
    }
    if command["transactionalId"] is not None:
        config["transactional.id"] = command["transactionalId"]
        config["transaction.timeout.ms"] = 900000
    producer = Producer(config)
    if command["transactionalId"] is not None:
        producer.init_transactions(30)
    return producer


def send(producer, command):
    failures = []

    def delivered(error, _message):
        if error is not None:
            failures.append(str(error))

    for record in command["records"]:
        producer.produce(
            command["topic"],
            partition=command["partition"],
            key=bytes_of(record["key"]),
            value=bytes_of(record["value"]),
            headers=[(name, bytes_of(value)) for name, value in record["headers"]],
            timestamp=record["timestamp"],
            on_delivery=delivered,
        )
    left = producer.flush(30)
    if left > 0 or failures:
        raise RuntimeError(f"{left} records not delivered: {failures[:1]}")


def run(brokers, producers, command):
    op, name = command["op"], command["id"]
    if op == "open":
        producers[name] = open_producer(brokers, command)
    elif op == "send":
        send(producers[name], command)
    elif op == "begin":
        producers[name].begin_transaction()
    elif op == "commit":
        producers[name].commit_transaction(30)
    elif op == "abort":
        producers[name].abort_transaction(30)
    else:
        raise ValueError("unknown command")


def main():
    brokers, producers = sys.argv[1], {}
    for line in sys.stdin:
        answer = "ok"
        try:
            run(brokers, producers, json.loads(line))
        except Exception as error:  # noqa: BLE001 - the other side decides
            answer = repr(error).replace("\n", " ")
        print(answer, flush=True)
    # No orderly end: that would abort what is to stay open.
    os._exit(0)


main()
