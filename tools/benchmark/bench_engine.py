"""bench_engine.py duckdb|chdb FILE THREADS: unique users a minute by an engine.

Prints seconds of processor time, of the clock, and rows: of the query alone, not of
what it takes to load the engine. `versions` in place of an engine prints those.
"""
import os
import sys
import time


def duckdb_query(path, threads):
    import duckdb
    engine = duckdb.connect(config={"threads": threads})
    query = f"""select cast(try_cast(ts as double) as bigint) // 60, approx_count_distinct(uid)
        from read_json('{path}', format = 'newline_delimited', maximum_object_size = 33554432,
                       columns = {{uid: 'VARCHAR', ts: 'VARCHAR'}})
        group by 1 order by 1"""
    return lambda: engine.execute(query).fetchall()


def chdb_query(path, threads):
    import chdb
    query = f"""select intDiv(toUInt64(toFloat64OrZero(ts)), 60) as minute, uniqHLL12(uid)
        from file('{path}', 'JSONEachRow', 'uid String, ts String')
        group by minute order by minute
        settings max_threads = {threads}, input_format_skip_unknown_fields = 1,
                 input_format_json_read_numbers_as_strings = 1"""
    chdb.query("select 1")
    return lambda: chdb.query(query, "CSV").bytes().decode().splitlines()


def main(words):
    if words[0] == "versions":
        import chdb
        import duckdb
        print(f"DuckDB {duckdb.__version__}, chdb {chdb.__version__}")
        return
    run = {"duckdb": duckdb_query, "chdb": chdb_query}[words[0]](words[1], int(words[2]))
    before, start = os.times(), time.monotonic()
    rows = run()
    after, wall = os.times(), time.monotonic() - start
    cpu = after.user + after.system - before.user - before.system
    print(f"{cpu:.6f} {wall:.6f} {len(rows)}")


if __name__ == "__main__":
    main(sys.argv[1:])
