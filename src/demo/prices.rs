//! The price book of the demo: published list prices, in micro-dollars per million tokens.
//!
//! They are illustrative. What matters to the example is their shape: cache reads and writes, a
//! batch tier, thresholds on the length of the input, names given as globs, a missing cache price,
//! and a price that changes in the middle of a month.

use super::calendar::{DAY, day_number};

const SOURCE: &str = "genai-prices 0.2.3, read 2026-11-23; batch at half the list price";

#[derive(Clone, Debug)]
pub(super) struct Price {
    pub(super) provider: &'static str,
    pub(super) model: &'static str,
    pub(super) from_day: i64,
    pub(super) to_day: Option<i64>,
    pub(super) service_tier: Option<&'static str>,
    /// Holds for calls whose whole input is longer than this.
    pub(super) min_input_tokens: Option<i64>,
    pub(super) input: i64,
    pub(super) cache_read: Option<i64>,
    pub(super) cache_write: Option<i64>,
    pub(super) cache_write_1h: Option<i64>,
    pub(super) output: i64,
    pub(super) source: &'static str,
}

impl Price {
    const fn new(provider: &'static str, model: &'static str, input: i64, output: i64) -> Self {
        Self {
            provider,
            model,
            from_day: day_number(2026, 3, 13),
            to_day: None,
            service_tier: None,
            min_input_tokens: None,
            input,
            cache_read: None,
            cache_write: None,
            cache_write_1h: None,
            output,
            source: SOURCE,
        }
    }

    const fn reads(mut self, price: i64) -> Self {
        self.cache_read = Some(price);
        self
    }

    const fn writes(mut self, price: i64, price_1h: Option<i64>) -> Self {
        self.cache_write = Some(price);
        self.cache_write_1h = price_1h;
        self
    }

    /// The same model for calls whose input is longer than `tokens`.
    const fn above(mut self, tokens: i64) -> Self {
        self.min_input_tokens = Some(tokens);
        self
    }

    const fn in_force(mut self, from_day: i64, to_day: Option<i64>) -> Self {
        self.from_day = from_day;
        self.to_day = to_day;
        self
    }

    /// Batch work is half the list price at every threshold.
    fn halved_for_batch(&self) -> Self {
        let half = |price: Option<i64>| price.map(|price| price / 2);
        Self {
            service_tier: Some("batch"),
            input: self.input / 2,
            cache_read: half(self.cache_read),
            cache_write: half(self.cache_write),
            cache_write_1h: half(self.cache_write_1h),
            output: self.output / 2,
            ..self.clone()
        }
    }

    fn holds(&self, provider: &str, model: &str, tier: Option<&str>, at: i64, input: i64) -> bool {
        let name = match self.model.strip_suffix('*') {
            Some(prefix) => model.starts_with(prefix),
            None => self.model == model,
        };
        let day = at.div_euclid(DAY);
        name && self.provider == provider
            && self.service_tier == tier
            && self.from_day <= day
            && self.to_day.is_none_or(|end| day < end)
            && self
                .min_input_tokens
                .is_none_or(|threshold| input > threshold)
    }
}

/// The day on which the list price of `gpt-5.6-terra` falls.
const TERRA_CHANGE: i64 = day_number(2026, 7, 30);
const TERRA_LAUNCH: i64 = day_number(2026, 7, 1);

/// Every row of the price book, in the order of `prices.parquet`.
pub(super) fn book() -> Vec<Price> {
    let opus = Price::new("anthropic", "claude-opus-4-6", 5_000_000, 25_000_000)
        .reads(500_000)
        .writes(6_250_000, Some(10_000_000));
    let sonnet = Price::new("anthropic", "claude-sonnet-4-6", 3_000_000, 15_000_000)
        .reads(300_000)
        .writes(3_750_000, Some(6_000_000));
    // The ledger has the dated name; the published price is for every snapshot.
    let haiku = Price::new("anthropic", "claude-haiku-4-5-*", 1_000_000, 5_000_000)
        .reads(100_000)
        .writes(1_250_000, Some(2_000_000));
    let gemini_pro =
        Price::new("google", "gemini-3.1-pro-preview", 2_000_000, 12_000_000).reads(200_000);
    let gemini_pro_long = Price::new("google", "gemini-3.1-pro-preview", 4_000_000, 18_000_000)
        .reads(400_000)
        .above(200_000);
    let gemini_flash =
        Price::new("google", "gemini-3-flash-preview", 500_000, 3_000_000).reads(50_000);
    let gpt = Price::new("openai", "gpt-5.4", 2_500_000, 15_000_000).reads(250_000);
    let gpt_long = Price::new("openai", "gpt-5.4", 5_000_000, 22_500_000)
        .reads(500_000)
        .above(272_000);
    let gpt_mini = Price::new("openai", "gpt-5.4-mini", 750_000, 4_500_000).reads(75_000);
    let terra = Price::new("openai", "gpt-5.6-terra", 2_500_000, 15_000_000)
        .reads(250_000)
        .writes(3_125_000, None);
    let terra_long = Price::new("openai", "gpt-5.6-terra", 5_000_000, 22_500_000)
        .reads(500_000)
        .writes(6_250_000, None)
        .above(272_000);
    let terra_now = Price::new("openai", "gpt-5.6-terra", 2_000_000, 12_000_000)
        .reads(200_000)
        .writes(2_500_000, None);
    let terra_now_long = Price::new("openai", "gpt-5.6-terra", 4_000_000, 18_000_000)
        .reads(400_000)
        .writes(5_000_000, None)
        .above(272_000);
    // No cache price is published for it: reads cost what input costs.
    let deepseek = Price::new("openrouter", "deepseek/deepseek-v3.2", 228_800, 343_200);
    let kimi = Price::new("openrouter", "moonshotai/kimi-k2.5", 400_000, 1_900_000).reads(90_000);
    let mistral = Price::new("mistral", "mistral-medium-3-5", 1_500_000, 7_500_000).reads(150_000);

    let batch = [&opus, &sonnet, &gpt, &gpt_long, &gpt_mini].map(Price::halved_for_batch);
    let until_change = |price: Price| price.in_force(TERRA_LAUNCH, Some(TERRA_CHANGE));
    let since_change = |price: Price| price.in_force(TERRA_CHANGE, None);
    let mut book = vec![
        opus,
        sonnet,
        haiku,
        gemini_pro,
        gemini_pro_long,
        gemini_flash,
        gpt,
        gpt_long,
        gpt_mini,
        until_change(terra),
        until_change(terra_long),
        since_change(terra_now),
        since_change(terra_now_long),
        deepseek,
        kimi,
        mistral,
    ];
    book.extend(batch);
    book
}

/// What the contract says for the fine-tuned model that the price book does not know.
pub(super) fn fine_tune() -> Price {
    Price::new("openai", super::work::FINE_TUNE.name, 800_000, 3_200_000).reads(200_000)
}

/// The row that prices a call: of those that hold, the one with the highest threshold.
pub(super) fn find<'a>(
    book: &'a [Price],
    (provider, model, tier): (&str, &str, Option<&str>),
    called_at: i64,
    input_tokens: i64,
) -> Option<&'a Price> {
    let tier = tier.filter(|tier| *tier != "standard");
    book.iter()
        .filter(|price| price.holds(provider, model, tier, called_at, input_tokens))
        .max_by_key(|price| price.min_input_tokens)
}
