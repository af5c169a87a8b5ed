"""genai-prices: its data as v2 JSON, the prices that its rules give, and its own calculator."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from exact import Model, book_cost, listed_cost, rounded

KINDS = {
    "input_mtok": "input",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "requests_kcount": "per_request",
}
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
BEGINNING = datetime(2020, 1, 1)


# The JSON.


def json_text(value):
    """JSON in which a price has the digits that the list has."""
    match value:
        case dict():
            return "{" + ",".join(f"{json.dumps(k)}:{json_text(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ",".join(map(json_text, value)) + "]"
        case Decimal():
            return format(value, "f")
        case _:
            return json.dumps(value)


def fields(**given):
    return {name: value for name, value in given.items() if value is not None}


def provider_json(provider):
    return fields(
        id=provider.id,
        name=provider.name,
        pricing_urls=provider.pricing_urls,
        api_pattern=provider.api_pattern,
        model_match=clause_json(provider.model_match),
        provider_match=clause_json(provider.provider_match),
        fallback_model_providers=provider.fallback_model_providers,
        models=[model_json(model) for model in provider.models],
    )


def model_json(model):
    prices = model.prices
    return fields(
        id=model.id,
        match=clause_json(model.match),
        name=model.name,
        context_window=model.context_window,
        deprecated=model.deprecated,
        prices=[condition_json(c) for c in prices] if isinstance(prices, list) else prices_json(prices),
        price_variants=[{"when": v.when, **condition_json(v)} for v in model.price_variants or []] or None,
    )


def clause_json(clause):
    if clause is None:
        return None
    ((name, value),) = vars(clause).items()
    rule = [clause_json(inner) for inner in value] if isinstance(value, list) else value
    return {name.rstrip("_"): rule}


def condition_json(condition):
    constraint = condition.constraint and {
        name: value.isoformat().replace("+00:00", "Z") for name, value in vars(condition.constraint).items()
    }
    return fields(constraint=constraint, prices=prices_json(condition.prices))


def prices_json(prices):
    return {key: price_json(price) for key, price in vars(prices).items() if price is not None}


def price_json(price):
    if isinstance(price, Decimal):
        return price
    tiers = [{"start": tier.start, "price": tier.price} for tier in price.tiers]
    return {"base": price.base, "tiers": tiers}


# The prices.


def tier_of(when):
    """The service tier that a variant is for, where the book has one for it."""
    if len(when) == 1:
        match when:
            case {"processing": "batch"}:
                return "batch"
            case {"service_tier": tier}:
                return tier
            case {"speed": "fast"}:
                return "fast"
    return None


def holds(constraint, at):
    if constraint is None:
        return True
    if hasattr(constraint, "start_date"):
        return constraint.start_date <= at.date()
    start, end = utc(constraint.start_time), utc(constraint.end_time)
    if start <= end:
        return start <= at.time() < end
    return at.time() >= start or at.time() < end


def utc(moment):
    assert moment.utcoffset() in (None, timedelta(0)), moment
    return moment.replace(tzinfo=None)


def steps(price):
    """Prices by the input that a call must exceed; None is for every call."""
    if isinstance(price, Decimal):
        return {None: price}
    return {None: price.base} | {tier.start: tier.price for tier in price.tiers}


def step(price, input_tokens):
    by_start = steps(price)
    passed = [start for start in by_start if start is not None and start < input_tokens]
    return by_start[max(passed, default=None)]


def per_book_unit(key, price):
    return price / 1000 if key == "requests_kcount" else price


def of_text(table):
    return {key: price for key, price in table.items() if key in KINDS and price is not None}


def conditions(entry):
    """(When, prices) of an entry."""
    prices = entry.prices
    return [(c.constraint, vars(c.prices)) for c in prices] if isinstance(prices, list) else [(None, vars(prices))]


def published(entry):
    """Every (kind, price) of an entry."""
    variants = [vars(variant.prices) for variant in entry.price_variants or []]
    for table in [prices for _, prices in conditions(entry)] + variants:
        for key, price in of_text(table).items():
            yield from ((KINDS[key], per_book_unit(key, value)) for value in steps(price).values())


def no_text(entry):
    """Why an entry has no price of text."""
    for _, prices in conditions(entry):
        keys = {key for key, price in prices.items() if price is not None}
        if "input_mtok" not in keys:
            return "no price per input token"
        if "output_mtok" not in keys and any(key.startswith("output_") and key not in KINDS for key in keys):
            return "no price per output token"
    return None


@dataclass(eq=False)
class GenaiModel(Model):
    """`variants` is empty where another provider sells the model."""

    entry: object
    seller: object
    variants: list

    def __post_init__(self):
        tables = [prices for _, prices in conditions(self.entry)] + [vars(v.prices) for v in self.variants]
        prices = [price for table in tables for price in of_text(table).values()]
        self.tiers = {tier_of(variant.when) for variant in self.variants} - {None}
        self.thresholds = {start for price in prices for start in steps(price) if start is not None}

    def table(self, at, tier):
        """The last prices that hold, and over them, key by key, the first variant that does."""
        listed = conditions(self.entry)
        active = [prices for constraint, prices in listed if holds(constraint, at)]
        table = of_text(active[-1] if active else listed[0][1])
        for variant in reversed(self.variants):
            if tier and tier_of(variant.when) == tier and holds(variant.constraint, at):
                table |= of_text(vars(variant.prices))
        return table

    def prices(self, at, tier, input_tokens):
        table = self.table(at, tier)
        return {KINDS[key]: per_book_unit(key, step(price, input_tokens)) for key, price in table.items()}

    def moments(self):
        constraints = [c for c, _ in conditions(self.entry)] + [v.constraint for v in self.variants]
        dates = sorted({c.start_date for c in constraints if hasattr(c, "start_date")})
        for day in dates:
            midnight = datetime.combine(day, time())
            yield from ((midnight - SECOND, "before a change"), (midnight, "at a change"))
        windows = [c for c in constraints if hasattr(c, "start_time")]
        for edge in sorted({edge for c in windows for edge in (c.start_time, c.end_time)}):
            for day in [BEGINNING, *(day + DAY for day in dates)]:
                moment = datetime.combine(day, utc(edge))
                yield from ((moment - SECOND, "before an hour"), (moment, "at an hour"))

    def shown(self):
        return json_text(model_json(self.entry))


# The names.


def clauses(clause):
    inner = next(iter(vars(clause).values()))
    return [leaf for one in inner for leaf in clauses(one)] if isinstance(inner, list) else [clause]


def rules(entry):
    """(Rule, text) of all that an entry's names may match."""
    return [next(iter(vars(clause).items())) for clause in clauses(entry.match)]


def names(entry):
    """The entry's id, in any case, names that its rules fit, and names that they almost do."""
    yield from (entry.id, entry.id.lower())
    for rule, text in rules(entry):
        if rule == "regex":
            yield from (like(text, "1"), like(text, "x"))
        else:
            yield from (text, f"{text}-x", f"x/{text}")


PART = re.compile(
    r"\\d\{(?P<times>\d+)\}|(?P<digit>\\d)|\\(?P<escaped>.)|\[(?P<first>.)[^]]*\]|\(\?!.*|\([^)]*\)\?|[$^]"
)


def like(regex, digit):
    """A name that a simple regex fits, with such digits."""

    def plain(part):
        if part["times"]:
            return digit * int(part["times"])
        return digit if part["digit"] else part["escaped"] or part["first"] or ""

    return PART.sub(plain, regex)


def is_exact(entry, name):
    return name.lower() == entry.id.lower() or ("equals", name) in rules(entry)


def regexes(entry):
    return [text for rule, text in rules(entry) if rule == "regex"]


def has_no_glob(entry):
    return any(not is_glob(regex) for regex in regexes(entry))


def is_glob(regex):
    """Whether a glob says the same, a digit aside."""
    return "(" not in regex and regex.endswith("$")


def fits_widely(entry, name):
    """Where any character is a digit."""
    return any(re.search(regex.replace(r"\d", "."), name) for regex in regexes(entry) if is_glob(regex))


class GenaiList:
    name = "genai-prices"
    file = "genai.json"
    needs_tiers = ("batch", "fast", "flex", "priority")
    needs_mixes = ("before a change", "at a change", "before an hour", "at an hour")
    needs_models = 2_000

    def __init__(self, canonical):
        from genai_prices.data import providers

        self.providers = {provider.id: provider for provider in providers}
        self.spelled = {canonical(provider.id): provider for provider in providers}
        assert len(self.spelled) == len(providers), "two providers have one spelling"
        self.entries = [entry for provider in providers for entry in provider.models]
        self.skipped = Counter(no_text(entry) for entry in self.entries)
        self.texts = self.skipped.pop(None)
        self.models, self.unpriced = {}, []
        for spelled, provider in self.spelled.items():
            for name in sorted(self.names(provider)):
                self.read(spelled, provider, name)

    def write(self, path):
        path.write_text(json_text([provider_json(provider) for provider in self.providers.values()]))

    def sold(self, provider):
        others = [self.providers[other] for other in provider.fallback_model_providers or []]
        return [entry for seller in [provider, *others] for entry in seller.models]

    def names(self, provider):
        return {name for entry in self.sold(provider) for name in names(entry) if name}

    def read(self, spelled, provider, name):
        entry = provider.find_model(name, all_providers=list(self.providers.values()))
        if entry is None:
            self.unpriced.append((spelled, name, "name of no model"))
        elif no_text(entry):
            self.unpriced.append((spelled, name, "model without text"))
        else:
            self.models[spelled, name] = [self.model(spelled, name, entry)]

    def model(self, spelled, name, entry):
        """Another provider sells it at its standard prices."""
        provider = self.spelled[spelled]
        is_own = any(entry is own for own in provider.models)
        return GenaiModel(spelled, name, entry, provider, (entry.price_variants or []) if is_own else [])

    def roundings(self):
        prices = [price for entry in self.entries if not no_text(entry) for price in published(entry)]
        return sum(rounded(kind, price) != price for kind, price in prices)

    def tolerated(self, call, model, found):
        """Where a glob is not the rule that it stands for."""
        if model and found is None and not is_exact(model.entry, call.name) and has_no_glob(model.entry):
            return "a rule that is no glob: its names are not known"
        if model and found is None and call.name.lower() == model.entry.id.lower() and call.name not in (model.entry.id, model.entry.id.lower()):
            return "a name in other capitals than the list's is not known"
        if model is None and found is not None:
            wide = [entry for entry in self.sold(self.spelled[call.provider]) if fits_widely(entry, call.name)]
            models = [self.model(call.provider, call.name, entry) for entry in wide]
            if Decimal(found) in [book_cost(other, call) for other in models]:
                return "a digit in a rule is any character in its glob"
        return None

    def their_cost(self, model, call):
        from genai_prices import Usage

        tokens = call.tokens
        usage = Usage(
            input_tokens=tokens.input,
            output_tokens=tokens.output,
            cache_read_tokens=tokens.cache_read,
            cache_write_tokens=tokens.cache_write,
            cache_write_1h_tokens=tokens.cache_write_1h,
            output_reasoning_tokens=tokens.reasoning,
        )
        variants = [variant for variant in model.variants if call.tier and tier_of(variant.when) == call.tier]
        context = {key: value for variant in variants for key, value in variant.when.items()}
        at = call.at.replace(tzinfo=UTC)
        found = model.entry.calc_price(usage, model.seller, genai_request_timestamp=at, price_context=context or None)
        return found.total_price

    def is_same(self, ours, theirs):
        return ours == theirs

    def reason(self, model, call, theirs):
        return "price rounded to six decimals" if listed_cost(model, call) == theirs else None
