"""LiteLLM: the prices that the keys of its list give, and its own calculator."""

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from importlib.util import find_spec
from itertools import combinations
from math import isclose
from pathlib import Path

from exact import MILLION, Model, cost, price_of, rounded

TEXT_MODES = {"chat", "completion", "responses", "embedding", "rerank", None}
WITHOUT_OUTPUT = {"embedding", "rerank"}
KINDS = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "output_cost_per_reasoning_token": "reasoning",
    "input_cost_per_request": "per_request",
}
CACHE_HIT = "input_cost_per_token_cache_hit"
TWELVE_HOURS = "cache_creation_input_token_cost_above_12hr"
TIERS = {
    "batches": "batch",
    "flex": "flex",
    "priority": "priority",
    "ultrafast": "ultrafast",
    "balanced": "balanced",
    "decisions": "decisions",
}
KEY = re.compile(
    rf"(?P<kind>{'|'.join(sorted(KINDS, key=len, reverse=True))})"
    rf"(_above_(?P<thousands>\d+)k_tokens)?(_(?P<tier>{'|'.join(TIERS)}))?"
)


# The prices.


def place(key):
    """The kind, tier and threshold that a key prices; None where it prices no text tokens."""
    found = KEY.fullmatch(key)
    if not found:
        assert key == CACHE_HIT or key.startswith(TWELVE_HOURS) or not key.startswith(tuple(KINDS)), f"unread: {key}"
        return None
    tier = found["tier"] and TIERS[found["tier"]]
    return KINDS[found["kind"]], tier, 1000 * int(found["thousands"] or 0)


def price_steps(entry):
    """Prices by kind and tier, and by the input that a call must exceed; 0 is for every call."""
    steps = defaultdict(dict)

    def read(prices, lowest):
        for key, price in prices.items():
            if price is not None and place(key):
                kind, tier, threshold = place(key)
                steps[kind, tier][threshold or lowest] = per_book_unit(kind, Decimal(price))

    read(entry, 0)
    for part in entry.get("tiered_pricing") or []:
        read(part, int(part["range"][0]))
    if entry.get(CACHE_HIT) is not None and ("cache_read", None) not in steps:
        steps["cache_read", None][0] = per_book_unit("cache_read", Decimal(entry[CACHE_HIT]))
    return dict(steps)


def per_book_unit(kind, price):
    return price if kind == "per_request" else price * MILLION


def no_text(entry, steps):
    """Why an entry has no price of text."""
    mode = entry.get("mode")
    if mode not in TEXT_MODES:
        return f"mode {mode}"
    if ("input", None) not in steps:
        return "no price per input token"
    if ("output", None) not in steps and mode not in WITHOUT_OUTPUT:
        return "no price per output token"
    return None


def canonical_name(key, entry, canonical):
    """The provider's one spelling, and the key without that provider before it."""
    provider = canonical(entry.get("litellm_provider") or "")
    first, slash, rest = key.partition("/")
    return provider, rest if slash and canonical(first) == provider else key


@dataclass(eq=False)
class LitellmModel(Model):
    key: str
    entry: dict
    steps: dict

    def __post_init__(self):
        self.tiers = {tier for _, tier in self.steps} - {None}
        self.thresholds = {threshold for steps in self.steps.values() for threshold in steps} - {0}

    def passed(self, kind, tier, input_tokens):
        """The prices of a kind at the thresholds that a call exceeds."""
        steps = self.steps.get((kind, tier), {})
        return {threshold: price for threshold, price in steps.items() if threshold == 0 or threshold < input_tokens}

    def at(self, kind, tier, input_tokens):
        passed = self.passed(kind, tier, input_tokens)
        return passed[max(passed)] if passed else None

    def prices(self, at, tier, input_tokens):
        """A tier's own prices, and the standard ones where it has none."""
        found = {}
        for kind in KINDS.values():
            own = self.at(kind, tier, input_tokens) if tier else None
            price = self.at(kind, None, input_tokens) if own is None else own
            if price is not None:
                found[kind] = price
        # Reasoning is output: without a price of its own in a tier it costs what the tier's output does.
        if tier and ("output", tier) in self.steps and ("reasoning", tier) not in self.steps:
            found.pop("reasoning", None)
        return found

    def shown(self):
        keys = {key: str(value) for key, value in self.entry.items() if place(key) or key in (CACHE_HIT, "mode")}
        return f"{self.key} {json.dumps(keys)}"


class LitellmList:
    name = "litellm"
    file = "litellm.json"
    needs_tiers = tuple(TIERS.values())
    needs_mixes = ()
    needs_models = 1_000

    def __init__(self, canonical):
        package = Path(find_spec("litellm").origin).parent
        self.text = (package / "model_prices_and_context_window_backup.json").read_text()
        self.floats = json.loads(self.text)
        entries = json.loads(self.text, parse_float=Decimal)
        del entries["sample_spec"]
        self.entries = list(entries)
        self.skipped, self.texts = Counter(), 0
        self.models = defaultdict(list)
        without = []
        for key, entry in entries.items():
            name = canonical_name(key, entry, canonical)
            steps = price_steps(entry) if entry.get("mode") in TEXT_MODES else {}
            if reason := no_text(entry, steps):
                self.skipped[reason] += 1
                without.append(name)
            else:
                self.texts += 1
                self.models[name].append(LitellmModel(*name, key, entry, steps))
        self.unpriced = [(*name, "model without text") for name in dict.fromkeys(without) if name not in self.models]

    def write(self, path):
        path.write_text(self.text)

    def roundings(self):
        prices = [
            (kind, price)
            for models in self.models.values()
            for model in models
            for (kind, _), steps in model.steps.items()
            for price in steps.values()
        ]
        return sum(rounded(kind, price) != price for kind, price in prices)

    def tolerated(self, call, model, found):
        return None

    def their_cost(self, model, call):
        from litellm.cost_calculator import batch_cost_calculator
        from litellm.litellm_core_utils.llm_cost_calc.utils import generic_cost_per_token

        entry = self.floats[model.key]
        provider = entry["litellm_provider"]
        if call.tier == "batch" and call.tier in model.tiers:
            return sum(batch_cost_calculator(their_usage(call.tokens), model.key, provider, model_info=entry))
        at = call.at.replace(tzinfo=UTC)
        usage = their_usage(call.tokens)
        return sum(generic_cost_per_token(model.key, usage, provider, call.tier, model_info=entry, current_time=at))

    def is_same(self, ours, theirs):
        """Theirs is a float."""
        return isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-15)

    def reason(self, model, call, theirs):
        """The fewest of their rules with which our arithmetic gives their cost."""
        for count in range(4):
            for chosen in combinations(THEIR_RULES, count):
                prices = model.prices(call.at, call.tier, call.tokens.input)
                for rule in chosen:
                    prices = rule(model, call, prices)
                if self.is_same(cost(prices, call.tokens), theirs):
                    return " and ".join(rule.__doc__ for rule in chosen) or "price rounded to six decimals"
        return None


def their_usage(tokens):
    from litellm.types import utils

    writes = utils.CacheCreationTokenDetails(
        ephemeral_5m_input_tokens=tokens.cache_write - tokens.cache_write_1h,
        ephemeral_1h_input_tokens=tokens.cache_write_1h,
    )
    return utils.Usage(
        prompt_tokens=tokens.input,
        completion_tokens=tokens.output,
        total_tokens=tokens.input + tokens.output,
        prompt_tokens_details=utils.PromptTokensDetailsWrapper(
            cached_tokens=tokens.cache_read,
            cache_creation_tokens=tokens.cache_write,
            cache_creation_token_details=writes,
        ),
        completion_tokens_details=utils.CompletionTokensDetailsWrapper(reasoning_tokens=tokens.reasoning),
    )


# What its calculator does that the keys of the list do not say.

TOKEN_KINDS = [kind for kind in KINDS.values() if kind not in ("reasoning", "per_request")]


def no_request(model, call, prices):
    """it leaves out the price of a request"""
    return {kind: price for kind, price in prices.items() if kind != "per_request"}


def off_peak(model, call, prices):
    """it takes off-peak hours into account"""
    keys = model.entry.get("off_peak_pricing") or {}
    return prices | {KINDS[key]: Decimal(price) * MILLION for key, price in keys.items() if key in KINDS}


def fireworks(model, call, prices):
    """a cached read of fireworks_ai costs half of the input"""
    if model.entry["litellm_provider"] == "fireworks_ai" and "cache_read" not in prices:
        return prices | {"cache_read": prices["input"] / 2}
    return prices


def inclusive(model, call, prices):
    """a threshold of xai holds from its own number on"""
    if model.entry["litellm_provider"] == "xai":
        return model.prices(call.at, call.tier, call.tokens.input + 1)
    return prices


def unknown_tier(model, call, prices):
    """it does not know the tier decisions"""
    return model.prices(call.at, None, call.tokens.input) if call.tier == "decisions" else prices


def highest_threshold(model, call, prices):
    """above a threshold that a tier does not have, the standard price comes before the tier's lower steps"""
    found = dict(prices)
    for kind in TOKEN_KINDS:
        both = model.passed(kind, None, call.tokens.input) | model.passed(kind, call.tier, call.tokens.input)
        if both:
            found[kind] = both[max(both)]
    return found


def batch_only(model, call, prices):
    """a kind without a batch price costs what the batch's input does, and output half of the standard"""
    if call.tier != "batch":
        return prices
    own = {kind: model.at(kind, "batch", call.tokens.input) for kind in TOKEN_KINDS}
    found = {kind: price for kind, price in own.items() if price is not None}
    return {"output": price_of(prices, "output") / 2} | found


THEIR_RULES = [
    inclusive, unknown_tier, highest_threshold, batch_only, fireworks, off_peak, no_request
]
