"""Prices many calls with the program and with exact decimals, and demands the same digits."""

import csv
import os
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import astuple
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path

from exact import TOKENS, Call, Tokens, book_cost
from genai_list import GenaiList
from litellm_list import LitellmList

SPELLINGS = Path(__file__).resolve().parents[2] / "data/built_in/spellings.csv"
LATE, EARLY = datetime(2030, 3, 1, 12), datetime(2020, 1, 1, 12)
EVERYTHING = Tokens(12_347, 1_511, 5_003, 4_099, 1_031, 769)
SHAPES = {
    "plain": Tokens(input=12_347, output=1_511),
    "cached reads": Tokens(input=12_347, output=1_511, cache_read=8_191),
    "writes": Tokens(input=12_347, output=1_511, cache_write=4_099),
    "one-hour writes": Tokens(input=12_347, output=1_511, cache_write=4_099, cache_write_1h=4_099),
    "reasoning": Tokens(input=12_347, output=1_511, reasoning=769),
    "everything": EVERYTHING,
    "no tokens": Tokens(),
}
MIXES = [*SHAPES, "long ago", "at a threshold", "above a threshold", "standard tier", "default tier", "other tier"]
UNPRICED_MIXES = ["unknown model", "model without text"]
MISMATCHES, EXAMPLES = 20, 3


def spellings():
    """The one spelling of a provider: its own line, else the longest pattern."""
    with open(SPELLINGS, newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "provider"]
    rows.sort(key=lambda row: ("*" in row["name"], -len(row["name"])))

    def canonical(provider):
        fitting = (row["canonical"] for row in rows if fnmatchcase(provider, row["name"]))
        return next(fitting, provider)

    return canonical


# The calls.


def with_input(tokens):
    """Every kind of token in a call of so much input."""
    return Tokens(tokens, 1_511, tokens // 3, tokens // 4, tokens // 9, 769)


def calls_of(model):
    """Calls for all that decides about a model's price."""

    def call(mix, tokens=EVERYTHING, at=LATE, tier=None):
        return Call(model.provider, model.name, at, tier, tokens, mix)

    def long_calls(tier, what="", **others):
        for threshold in sorted(model.thresholds):
            yield call(f"{what}at a threshold", with_input(threshold), tier=tier, **others)
            yield call(f"{what}above a threshold", with_input(threshold + 1), tier=tier, **others)

    for tier in (None, *sorted(model.tiers)):
        prefix = f"tier {tier}: " if tier else ""
        for shape, tokens in SHAPES.items():
            yield call(prefix + shape, tokens, tier=tier)
        yield call(f"{prefix}long ago", at=EARLY, tier=tier)
        yield from long_calls(tier, prefix)
        for moment, what in model.moments():
            yield call(prefix + what, at=moment, tier=tier)
            yield from long_calls(tier, f"{prefix}{what}, ", at=moment)
    for tier in ("standard", "default", "other"):
        yield call(f"{tier} tier", tier=tier)


def unpriced_calls(source):
    providers = sorted({provider for provider, _ in source.models})
    unknown = [(provider, "no-such-model", "unknown model") for provider in providers]
    for provider, name, mix in source.unpriced + unknown:
        yield Call(provider, name, LATE, None, SHAPES["plain"], mix)


# The program.

SQL = f"""
CREATE EXTERNAL TABLE calls (
    id bigint, provider varchar, model varchar, called_at timestamp, service_tier varchar,
    {", ".join(f"{kind} bigint" for kind in TOKENS)}
) STORED AS CSV LOCATION 'calls.csv' OPTIONS ('format.has_header' 'true');
SELECT id, call_cost(
    provider => provider, model => model, called_at => called_at, service_tier => service_tier,
    {", ".join(f"{kind}_tokens => {kind}" for kind in TOKENS)}) AS cost
FROM calls
ORDER BY id;
"""


def program(folder, *arguments):
    subprocess.run([os.environ["APPORTION"], "--quiet", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def program_costs(folder, source, calls):
    """Imports the list into a book of its own, and prices the calls by it."""
    folder.mkdir()
    source.write(folder / source.file)
    program(folder, "prices", "import", source.file, "--from", source.name, "-o", "book.parquet")
    (folder / "apportion.toml").write_text('[prices]\ninputs = [{ location = "book.parquet" }]\n')
    with open(folder / "calls.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "provider", "model", "called_at", "service_tier", *TOKENS])
        for number, call in enumerate(calls):
            names = (call.provider, call.name, call.at.isoformat(), call.tier)
            writer.writerow([number, *names, *astuple(call.tokens)])
    program(folder, "sql", SQL, "--format", "csv", "-o", "costs.csv")
    with open(folder / "costs.csv", newline="") as file:
        rows = [(int(row["id"]), row["cost"] or None) for row in csv.DictReader(file)]
    assert [number for number, _ in rows] == list(range(len(calls))), "a call has no row"
    return dict(zip(calls, (cost for _, cost in rows), strict=True))


# The comparison.


class Comparison:
    def __init__(self, source, folder):
        self.source = source
        self.entries = {name: distinct(models) for name, models in source.models.items()}
        self.calls = {
            name: list(dict.fromkeys(call for model in models for call in calls_of(model)))
            for name, models in self.entries.items()
        }
        self.unpriced = list(unpriced_calls(source))
        every = [call for calls in self.calls.values() for call in calls] + self.unpriced
        assert len(set(every)) == len(every), "a call is there twice"
        self.found = program_costs(folder, source, every)
        self.mixes = Counter()
        self.costly = 0
        self.mismatches = []
        self.notes = Examples()
        self.theirs = Examples()
        self.agreed = 0
        self.compared, self.second = set(), set()

    def run(self):
        for name, models in self.entries.items():
            self.compare(name, models)
        for call in self.unpriced:
            self.demand(call, None, None)

    def compare(self, name, models):
        """Of two entries of one name, one must give all of its costs."""
        calls = self.calls[name]
        model = max(models, key=lambda model: sum(self.found[call] == text(book_cost(model, call)) for call in calls))
        others = [other for other in models if other is not model]
        for other in others:
            self.second.add(id(other.entry))
            self.notes.add("two entries of one name", f"{model.key} and not {other.key}")
        for call in calls:
            if self.demand(call, model, text(book_cost(model, call))):
                self.compared |= {id(same.entry) for same in self.source.models[name]} - self.second
                self.compare_with_theirs(model, call)

    def demand(self, call, model, expected):
        found = self.found[call]
        if found == expected:
            self.mixes[call.mix] += 1
            self.costly += expected is not None and Decimal(expected) > 0
            return True
        if reason := self.source.tolerated(call, model, found):
            self.notes.add(reason, f"{call}: {expected}, found {found}")
        else:
            self.mismatches.append((call, model, expected, found))
        return False

    def compare_with_theirs(self, model, call):
        ours, theirs = book_cost(model, call), self.source.their_cost(model, call)
        if self.source.is_same(ours, theirs):
            self.agreed += 1
        else:
            reason = self.source.reason(model, call, theirs) or "for no known reason"
            self.theirs.add(reason, f"{call}: {theirs}, and not {ours}")

    def gaps(self):
        """Nothing passes because nothing was compared."""
        source = self.source
        needed = [*MIXES, *UNPRICED_MIXES, *source.needs_mixes]
        needed += [f"tier {tier}: {shape}" for tier in source.needs_tiers for shape in SHAPES]
        yield from (f"no call compared: {mix}" for mix in needed if not self.mixes[mix])
        if source.texts < source.needs_models or source.texts + source.skipped.total() != len(source.entries):
            yield f"{source.texts} models with text"
        if missing := source.texts - len(self.compared) - len(self.second):
            yield f"{missing} models in no call"
        if self.costly < self.mixes.total() / 2:
            yield "most calls are free"

    def failures(self):
        yield from self.gaps()
        if unknown := self.theirs.counts["for no known reason"]:
            yield f"{unknown} differences from the list's own calculator for no known reason"
        if self.mismatches:
            yield f"{len(self.mismatches)} costs that are not the list's"

    def show(self):
        source = self.source
        names = len({(call.provider, call.name) for calls in self.calls.values() for call in calls})
        print(f"\n{source.name} {version(source.name)}")
        print(f"  models compared   {len(self.compared)} of {len(source.entries)}, by {names} names")
        print(f"  calls compared    {self.mixes.total()} of {len(self.mixes)} kinds")
        print(f"  prices rounded    {source.roundings()}")
        print(f"  models skipped    {source.skipped.total()}")
        for reason, count in source.skipped.most_common():
            print(f"  {count:8}  {reason}")
        print("  differences by rule")
        self.notes.show()
        print(f"  its own calculator agrees on {self.agreed} calls, and not on {self.theirs.counts.total()}")
        self.theirs.show()
        for failure in self.failures():
            print(f"  FAILED: {failure}")
        for call, model, expected, found in self.first_mismatches():
            print(f"    {call}: expected {expected}, found {found}")
            print(f"      {model.shown()[:600]}" if model else "      no model of text has this name")

    def first_mismatches(self):
        """One of each name; wrong costs before missing ones."""
        firsts = {}
        for mismatch in self.mismatches:
            firsts.setdefault((mismatch[0].provider, mismatch[0].name), mismatch)
        return sorted(firsts.values(), key=lambda mismatch: mismatch[-1] is None)[:MISMATCHES]


class Examples:
    """Counts of reasons, with the first few of each."""

    def __init__(self):
        self.counts = Counter()
        self.first = defaultdict(list)

    def add(self, reason, example):
        self.counts[reason] += 1
        if len(self.first[reason]) < EXAMPLES:
            self.first[reason].append(example)

    def show(self):
        for reason, count in self.counts.most_common():
            print(f"  {count:8}  {reason}")
            for example in self.first[reason]:
                print(f"              {example}")


def distinct(models):
    """Without entries that say what another of the same name says."""
    calls = [call for model in models for call in calls_of(model)] if len(models) > 1 else []
    return list({tuple(book_cost(model, call) for call in calls): model for model in reversed(models)}.values())[::-1]


def text(cost):
    return format(cost, "f")


def main(folder):
    canonical = spellings()
    comparisons = []
    for source in (GenaiList(canonical), LitellmList(canonical)):
        comparison = Comparison(source, folder / source.name)
        comparison.run()
        comparison.show()
        comparisons.append(comparison)
    return 1 if any([*comparison.failures()] for comparison in comparisons) else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
