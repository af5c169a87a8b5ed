//! What the imagined product does: it reads data rooms, and each feature has its way of calling.
//!
//! Ranges include both ends. Contexts are in thousands of tokens, as a data room is long.

/// A model as the ledger and the bill call it, and how much it can read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) provider: &'static str,
    pub(super) name: &'static str,
    /// The name on the bill where it differs; `aliases.parquet` leads it back.
    pub(super) billed_as: &'static str,
    pub(super) window: i64,
}

const fn model(provider: &'static str, name: &'static str, window: i64) -> Model {
    Model {
        provider,
        name,
        billed_as: name,
        window,
    }
}

pub(super) static OPUS: Model = model("anthropic", "claude-opus-4-6", 1_000_000);
static SONNET: Model = model("anthropic", "claude-sonnet-4-6", 1_000_000);
static HAIKU: Model = model("anthropic", "claude-haiku-4-5-20251001", 200_000);
static GEMINI_PRO: Model = model("google", "gemini-3.1-pro-preview", 1_000_000);
static GEMINI_FLASH: Model = model("google", "gemini-3-flash-preview", 1_000_000);
pub(super) static GPT: Model = Model {
    billed_as: "gpt-5.4-2026-03-05",
    ..model("openai", "gpt-5.4", 1_050_000)
};
pub(super) static GPT_MINI: Model = Model {
    billed_as: "gpt-5.4-mini-2026-03-17",
    ..model("openai", "gpt-5.4-mini", 400_000)
};
/// Takes over the interactive work of [`GPT`] on [`TERRA_SINCE`].
pub(super) static TERRA: Model = model("openai", "gpt-5.6-terra", 1_050_000);
static DEEPSEEK: Model = model("openrouter", "deepseek/deepseek-v3.2", 164_000);
static KIMI: Model = model("openrouter", "moonshotai/kimi-k2.5", 262_000);
/// The company's own model, which no public price book can know.
pub(super) static FINE_TUNE: Model = model(
    "openai",
    "ft:gpt-4.1-mini-2025-04-14:lumen:clauses:Bq7Zk1",
    1_000_000,
);
/// On trial in September; its bill has not been loaded.
pub(super) static MISTRAL: Model = model("mistral", "mistral-medium-3-5", 262_000);

pub(super) const TERRA_SINCE: i64 = super::calendar::day_number(2026, 7, 9);

/// One way in which a feature reaches a model.
pub(super) struct Route {
    pub(super) model: &'static Model,
    pub(super) batch: bool,
    pub(super) weight: i64,
}

const fn route(model: &'static Model, weight: i64) -> Route {
    Route {
        model,
        batch: false,
        weight,
    }
}

pub(super) struct Work {
    pub(super) feature: &'static str,
    pub(super) query_type: &'static str,
    pub(super) weight: i64,
    pub(super) calls: (i64, i64),
    /// Thousands of tokens in the first call of a session, and how many each later one adds.
    pub(super) context: (i64, i64),
    pub(super) growth: (i64, i64),
    pub(super) output: (i64, i64),
    pub(super) reasoning_percent: (i64, i64),
    pub(super) routes: &'static [Route],
}

pub(super) static WORK: [Work; 4] = [
    Work {
        feature: "search",
        query_type: "retrieval",
        weight: 12,
        calls: (3, 6),
        context: (60, 130),
        growth: (4, 14),
        output: (300, 1_200),
        reasoning_percent: (0, 0),
        routes: &[
            route(&GPT_MINI, 40),
            route(&GEMINI_FLASH, 25),
            route(&HAIKU, 15),
            route(&DEEPSEEK, 20),
        ],
    },
    Work {
        feature: "chat",
        query_type: "chat",
        weight: 18,
        calls: (4, 9),
        context: (80, 220),
        growth: (8, 24),
        output: (900, 3_600),
        reasoning_percent: (0, 12),
        routes: &[route(&SONNET, 45), route(&GPT, 40), route(&KIMI, 15)],
    },
    Work {
        feature: "summarise",
        query_type: "extraction",
        weight: 26,
        calls: (2, 5),
        context: (220, 520),
        growth: (20, 60),
        output: (5_000, 15_000),
        reasoning_percent: (0, 10),
        routes: &[
            route(&GEMINI_PRO, 45),
            route(&SONNET, 25),
            Route {
                model: &GPT,
                batch: true,
                weight: 30,
            },
        ],
    },
    Work {
        feature: "agents",
        query_type: "reasoning",
        weight: 44,
        calls: (4, 8),
        context: (300, 620),
        growth: (25, 70),
        output: (9_000, 24_000),
        reasoning_percent: (12, 28),
        routes: &[route(&OPUS, 58), route(&GPT, 27), route(&GEMINI_PRO, 15)],
    },
];
