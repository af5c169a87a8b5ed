"""Whether Apportion and DuckDB agree row by row, and what each took: `report.py DATA RESULTS`.

A time counts only where the answers agree, so a difference ends this with 1 before any is shown.
"""

import csv
import json
import statistics
import sys
from collections import defaultdict
from decimal import Decimal, getcontext
from pathlib import Path

import pyarrow.parquet as parquet

getcontext().prec = 60  # every sum here is exact

data, results = Path(sys.argv[1]), Path(sys.argv[2])
answers = results / "out" / data.name


def rows(name):
    with open(answers / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def allocated(row, month, cost):
    tokens = (int(row[name]) for name in ("calls", "input_tokens", "output_tokens"))
    return (row["customer_id"], row[month][:7]), (Decimal(row[cost]), *tokens)


def agree():
    own = dict(allocated(row, "period", "cost") for row in rows("apportion.alloc.exact"))
    billed = sum(parquet.read_table(data / "billing_daily.parquet")["billed_cost"].to_pylist())
    total = sum(cost for cost, *_ in own.values())
    if total != billed:
        sys.exit(f"billed {billed}, allocated {total}")
    # A customer without a call, and the row of what is unattributed, stand in Apportion's answer only.
    own = {key: values for key, values in own.items() if any(values)}
    for variant in ("opt", "exact"):
        name = f"duckdb.alloc.{variant}"
        if not (answers / f"{name}.csv").exists():
            continue
        peer = dict(allocated(row, "month", "attributed_cost") for row in rows(name))
        different = [key for key in own.keys() | peer.keys() if own.get(key) != peer.get(key)]
        for key in sorted(different)[:5]:
            print(f"{name}: {key}: {peer.get(key)}, and not {own.get(key)}")
        if different:
            sys.exit(f"{name}: {len(different)} of {len(own)} rows differ")
        print(f"{name}: {len(own)} rows agree, {total} in all")


def table():
    runs = defaultdict(list)
    for line in open(results / "results.jsonl"):
        run = json.loads(line)
        if run["rep"] >= 0:
            runs[run["config"]].append(run)
    medians = {
        config: [statistics.median(run[what] for run in all_of) for what in ("wall", "rss_mb")]
        for config, all_of in runs.items()
        if not any(run["rc"] for run in all_of)
    }
    own, _ = medians["apportion:alloc:exact"]
    print("\n| | Apportion takes | seconds | peak MiB |\n|---|---:|---:|---:|")
    for config, (wall, peak) in sorted(medians.items(), key=lambda item: item[1]):
        print(f"| {config} | {own / wall:.2f} × | {wall:.2f} | {peak:.0f} |")


agree()
table()
