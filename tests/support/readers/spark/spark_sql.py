"""Runs SQL statements by Spark: argv = JSON {"conf": {…}, "jars": […], "statements": […]}. Prints one JSON list of lists of rows."""

import json
import sys

from pyspark.sql import SparkSession

asked = json.loads(sys.argv[1])
builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
builder = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
builder = builder.config("spark.jars", ",".join(asked["jars"]))
for key, value in asked["conf"].items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
answers = [[[str(cell) for cell in row] for row in spark.sql(text).collect()] for text in asked["statements"]]
spark.stop()
print(json.dumps(answers))
