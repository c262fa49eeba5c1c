"""Rolls up a topic of headcount's records with Spark: minutes into days, by any zone.

    spark-submit --packages org.apache.spark:spark-sql-kafka-0-10_2.12:3.5.7 rollup_spark.py \\
        --brokers BROKERS --topic uniques --stream users --by day --tz Europe/Zurich --out days

Each executor reads its share of the topic and pipes it through `headcount convert`, which
must be there (--headcount PATH); Spark's hll_union_agg does the rest. What was counted must
be of headcountd's profile `datasketches`. --records FILES reads dumps of the topic instead,
--minutes TABLE what an earlier run with --by minute has written.

OUT is a table in Parquet: start, who (the group), uniques, minutes (how many of the bucket's
were counted), users (the sketch, to be united further). A record that comes twice, in this run
or in another whose table is read beside, changes nothing.
"""
import argparse
import os
import shlex
import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

GRAINS = ("minute", "hour", "day", "week", "month", "year")


def topic(spark, brokers, name, hours=None):
    """The values of a topic, or of its last hours: the time of publishing, not of the users."""
    reader = (spark.read.format("kafka").option("kafka.bootstrap.servers", brokers)
              .option("subscribe", name))
    if hours is not None:
        begin = int((time.time() - hours * 3600) * 1000)
        reader = (reader.option("startingTimestamp", begin)
                  .option("startingOffsetsByTimestampStrategy", "latest"))
    return reader.load().select(f.col("value").cast("string").alias("value"))


def minutes_of(spark, records, stream, headcount):
    """Records as rows of a minute's sketches, of which there may be several."""
    named = lambda path: f.get_json_object("value", path)
    ours = records.where((named("$.type") == "sketch") & (named("$.stream") == stream)
                         & (named("$.sketch.profile") == "datasketches"))
    rows = ours.rdd.map(lambda row: row.value).pipe(
        f"{shlex.quote(headcount)} convert --to datasketches", {"PATH": os.environ["PATH"]},
        checkCode=True)
    return (spark.createDataFrame(rows.map(lambda line: line.split("\t")),
                                  "start string, who string, users string")
            .select(f.timestamp_seconds(f.col("start").cast("bigint")).alias("start"), "who",
                    f.unhex("users").alias("users")))


def rolled(minutes, by):
    """Rows of buckets, in the zone of spark.sql.session.timeZone."""
    return (minutes.groupBy(f.date_trunc(by, "start").alias("bucket"), "who")
            .agg(f.countDistinct("start").alias("minutes"),
                 # Runs of other precisions meet at the lowest.
                 f.hll_union_agg("users", True).alias("users"))
            .select(f.col("bucket").alias("start"), "who",
                    f.hll_sketch_estimate("users").alias("uniques"), "minutes", "users"))


def options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--topic", help="the topic of records")
    source.add_argument("--records", nargs="+", help="files or folders of records")
    source.add_argument("--minutes", nargs="+", help="tables of minutes")
    parser.add_argument("--brokers", default="localhost:9092", help="default %(default)s")
    parser.add_argument("--hours", type=float, help="only what was published in the last hours")
    parser.add_argument("--stream", default="users", help="whose records, default %(default)s")
    parser.add_argument("--headcount", default="headcount", help="the program, on executors too")
    parser.add_argument("--by", choices=GRAINS, default="day", help="default %(default)s")
    parser.add_argument("--tz", default="UTC", help="a zone such as Europe/Zurich")
    parser.add_argument("--out", required=True, help="the table to be written, replaced if there")
    return parser.parse_args()


def main():
    asked = options()
    spark = (SparkSession.builder.appName("headcount")
             .config("spark.sql.session.timeZone", asked.tz).getOrCreate())
    if asked.minutes:
        minutes = spark.read.parquet(*asked.minutes).select("start", "who", "users")
    else:
        records = (spark.read.text(asked.records) if asked.records
                   else topic(spark, asked.brokers, asked.topic, asked.hours))
        minutes = minutes_of(spark, records, asked.stream, asked.headcount)
    rolled(minutes, asked.by).write.mode("overwrite").parquet(asked.out)
    spark.stop()


if __name__ == "__main__":
    main()
