"""Whether Apportion and DuckDB agree row by row, and what each took: `report.py DATA RESULTS README`.

A time counts only where the answers agree, so a difference ends this with 1 before any is written.
The table goes into README, between the two lines that name this recipe.
"""

import csv
import datetime
import json
import os
import statistics
import sys
from collections import defaultdict
from decimal import Decimal, getcontext
from pathlib import Path

import pyarrow.parquet as parquet

getcontext().prec = 60  # every sum here is exact

DATA, RESULTS, README = (Path(argument) for argument in sys.argv[1:])
BEGIN, END = "<!-- written by tests/peers/run -->\n", "<!-- end of what tests/peers/run writes -->\n"
AS_CLOSE = Decimal("1e-12")  # DuckDB's figures are floats


def rows(size, config):
    with open(RESULTS / "out" / size / f"{config.replace(':', '.')}.csv", newline="") as file:
        return list(csv.DictReader(file))


def ends_unless_same(what, own, peer, same):
    shared = own.keys() & peer.keys()
    unequal = {key for key in shared if not same(own[key], peer[key])}
    different = sorted(unequal | (own.keys() ^ peer.keys()))
    for key in different[:5]:
        print(f"{what}: {key}: {peer.get(key)}, and not {own.get(key)}")
    if different:
        sys.exit(f"{what}: {len(different)} of {len(own)} rows differ")
    print(f"{what}: {len(own)} rows agree")


def allocated(row, month, cost):
    tokens = (int(row[name]) for name in ("calls", "input_tokens", "output_tokens"))
    return (row["customer_id"], row[month][:7]), (Decimal(row[cost]), *tokens)


def allocations_agree(size, config):
    own = dict(allocated(row, "period", "cost") for row in rows(size, "apportion:alloc:exact"))
    billed = sum(parquet.read_table(DATA / size / "billing_daily.parquet")["billed_cost"].to_pylist())
    total = sum(cost for cost, *_ in own.values())
    if total != billed:
        sys.exit(f"{size}: billed {billed}, allocated {total}")
    # A customer without a call, and the row of what is unattributed, stand in Apportion's answer only.
    own = {key: values for key, values in own.items() if any(values)}
    peer = dict(allocated(row, "month", "attributed_cost") for row in rows(size, config))
    ends_unless_same(f"{size} {config}", own, peer, lambda one, other: one == other)


def figured(row):
    numbers = (Decimal(row[name]) if row[name] else None for name in ("own", "median"))
    return (row["period"][:7], row["customer_id"], row["figure"]), (*numbers, row["peers"])


def figures_agree(size, config):
    def close(one, other):
        return one == other or None not in (one, other) and abs(one - other) <= AS_CLOSE * abs(other)

    def same(one, other):
        return one[2] == other[2] and all(close(*pair) for pair in zip(one[:2], other[:2]))

    own = dict(figured(row) for row in rows(size, "apportion:sessions:exact"))
    peer = dict(figured(row) for row in rows(size, config))
    ends_unless_same(f"{size} {config}", own, peer, same)


class Runs:
    """The medians of seconds and of peak MiB, by size and configuration."""

    def __init__(self):
        self.of, self.calls = defaultdict(lambda: defaultdict(list)), {}
        for line in open(RESULTS / "results.jsonl"):
            run = json.loads(line)
            if run["rc"]:
                sys.exit(f"{run['size']} {run['config']}: ended with {run['rc']}: {run.get('error')}")
            self.calls[run["size"]] = run["n_rows"]
            self.threads = run["threads"]
            if run["rep"] >= 0:
                self.of[run["size"]][run["config"]].append(run)
        self.each = max(len(runs) for of_size in self.of.values() for runs in of_size.values())

    def median(self, size, config, what):
        runs = self.of[size].get(config)
        return statistics.median(run[what] for run in runs) if runs else None

    def ratio(self, size, config, other, what="wall", unit="s", digits=2):
        ours, theirs = self.median(size, config, what), self.median(size, other, what)
        if ours is None or theirs is None:
            return ""
        return f"{ours / theirs:.2f} × ({ours:,.{digits}f} and {theirs:,.{digits}f} {unit})"


def machine():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{names[0] if names else 'a machine'}, {os.cpu_count()} cores"


def table(runs):
    own = "apportion:alloc:exact"
    lines = [
        ("as DuckDB's tuned query", own, "duckdb:alloc:opt"),
        ("as DuckDB's plain exact query", own, "duckdb:alloc:exact"),
        ("as decoding the columns and nothing else", own, "limit:scan:decode"),
        ("one month, as the three", "apportion:alloc:month", own),
        ("500,000 customers, as 5,000", "apportion:alloc:customers", own),
        ("2,000 models, as 12", "apportion:alloc:models", own),
        ("`usage_figures`, as DuckDB's tuned query", "apportion:sessions:exact", "duckdb:sessions:opt"),
    ]
    sizes = list(runs.of)
    start = next(filter(None, (runs.median(size, "apportion:demo:start", "wall") for size in sizes)), None)
    yield f"{machine()}, {runs.threads} threads, {datetime.date.today()}, medians of {runs.each} runs in turns:\n\n"
    yield f"| an allocation takes | {' | '.join(f'{runs.calls[size] // 1_000_000:,} million calls' for size in sizes)} |\n"
    yield f"|---|{'---:|' * len(sizes)}\n"
    for what, config, other in lines:
        yield f"| {what} | {' | '.join(runs.ratio(size, config, other) for size in sizes)} |\n"
    peaks = [runs.ratio(size, own, "duckdb:alloc:opt", "rss_mb", "MiB", 0) for size in sizes]
    yield f"| peak memory, as DuckDB's tuned query | {' | '.join(peaks)} |\n"
    if start:
        yield f"\n`apportion --demo run allocation` takes {start:.2f} s.\n"


def main():
    runs = Runs()
    for size, of_size in runs.of.items():
        for config in of_size:
            if config.startswith("duckdb:alloc:"):
                allocations_agree(size, config)
            if config.startswith("duckdb:sessions:"):
                figures_agree(size, config)
    written = "".join(table(runs))
    print("\n" + written)
    before, _, rest = README.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        sys.exit(f"{README}: the lines {BEGIN.strip()} and {END.strip()} are missing")
    README.write_text(before + BEGIN + written + END + after)


main()
