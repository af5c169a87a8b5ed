"""Prices and costs in exact decimals, apart from the program and from the lists' own calculators."""

from dataclasses import astuple, dataclass, field, fields
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, getcontext

getcontext().prec = 60

MILLION = Decimal(1_000_000)
# A kind without a price has that of another kind.
FALLBACKS = {
    "cache_read": "input",
    "cache_write": "input",
    "cache_write_1h": "cache_write",
    "reasoning": "output",
}


@dataclass(frozen=True)
class Tokens:
    """Input holds reads and writes, writes hold one-hour writes, output holds reasoning."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0

    def apart(self):
        return {
            "input": self.input - self.cache_read - self.cache_write,
            "cache_read": self.cache_read,
            "cache_write": self.cache_write - self.cache_write_1h,
            "cache_write_1h": self.cache_write_1h,
            "output": self.output - self.reasoning,
            "reasoning": self.reasoning,
        }


TOKENS = [column.name for column in fields(Tokens)]


@dataclass(frozen=True)
class Call:
    provider: str
    name: str
    at: datetime
    tier: str | None
    tokens: Tokens
    mix: str

    def __str__(self):
        counts = ", ".join(f"{kind} {count}" for kind, count in zip(TOKENS, astuple(self.tokens)) if count)
        return f"{self.provider} {self.name} at {self.at} tier {self.tier}: {counts or 'no tokens'} ({self.mix})"


@dataclass(eq=False)
class Model:
    """One entry of a list, under one of its names."""

    provider: str
    name: str
    tiers: set[str] = field(default_factory=set, kw_only=True)
    thresholds: set[int] = field(default_factory=set, kw_only=True)

    def prices(self, at, tier, input_tokens):
        """Prices by kind for such a call, unrounded: a million tokens, or one request."""
        raise NotImplementedError

    def moments(self):
        """When prices change: (moment, what happens)."""
        return []


def rounded(kind, price):
    """As the book holds it: six decimals a million tokens, twelve a request."""
    decimals = 12 if kind == "per_request" else 6
    return price.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)


def price_of(prices, kind):
    while kind not in prices and kind in FALLBACKS:
        kind = FALLBACKS[kind]
    return prices.get(kind, Decimal(0))


def cost(prices, tokens):
    parts = [price_of(prices, kind) * count / MILLION for kind, count in tokens.apart().items()]
    return sum(parts, price_of(prices, "per_request"))


def listed_cost(model, call):
    """At the prices as they are published."""
    return cost(model.prices(call.at, call.tier, call.tokens.input), call.tokens)


def book_cost(model, call):
    """At the prices as the book holds them. Twelve decimals hold it: nothing is rounded again."""
    prices = model.prices(call.at, call.tier, call.tokens.input)
    total = cost({kind: rounded(kind, price) for kind, price in prices.items()}, call.tokens)
    written = total.quantize(Decimal("1e-12"))
    assert written == total, call
    return written
