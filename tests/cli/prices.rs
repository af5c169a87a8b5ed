//! `prices`: price lists into a price book, and which of its rows price a call.

use super::Project;

/// Figures as genai-prices publishes them: a price that changed, a threshold, a batch variant, a
/// time of day.
const GENAI_PRICES: &str = r#"[
 {"id": "anthropic", "models": [
  {"id": "claude-sonnet-4-5", "match": {"starts_with": "claude-sonnet-4-5"},
   "prices": {"input_mtok": {"base": 3, "tiers": [{"start": 200000, "price": 6}]},
              "cache_read_mtok": {"base": 0.3, "tiers": [{"start": 200000, "price": 0.6}]},
              "cache_write_mtok": {"base": 3.75, "tiers": [{"start": 200000, "price": 7.5}]},
              "output_mtok": {"base": 15, "tiers": [{"start": 200000, "price": 22.5}]},
              "web_searches_kcount": 10}}]},
 {"id": "openai", "models": [
  {"id": "o3", "match": {"or": [{"equals": "o3"}, {"regex": "^o3-\\d{4}-\\d{2}-\\d{2}$"}]},
   "prices": [{"prices": {"input_mtok": 10, "cache_read_mtok": 2.5, "output_mtok": 40}},
              {"constraint": {"start_date": "2025-06-10"},
               "prices": {"input_mtok": 2, "cache_read_mtok": 0.5, "output_mtok": 8}}],
   "price_variants": [{"when": {"service_tier": "flex"}, "prices": {"input_mtok": 1, "output_mtok": 4}}]}]},
 {"id": "deepseek", "models": [
  {"id": "deepseek-chat", "match": {"contains": "deepseek-chat"},
   "prices": [{"prices": {"input_mtok": 0.135, "cache_read_mtok": 0.035, "output_mtok": 0.55}},
              {"constraint": {"start_time": "00:30:00Z", "end_time": "16:30:00Z"},
               "prices": {"input_mtok": 0.27, "cache_read_mtok": 0.07, "output_mtok": 1.1}}]}]}]"#;

/// Figures as `LiteLLM` publishes them.
const LITELLM: &str = r#"{
 "bedrock/us.anthropic.claude-x": {"litellm_provider": "bedrock_converse", "mode": "chat",
  "input_cost_per_token": 3.3e-06, "output_cost_per_token": 1.65e-05,
  "cache_creation_input_token_cost": 4.125e-06, "cache_creation_input_token_cost_above_1hr": 6.6e-06,
  "cache_read_input_token_cost": 3.3e-07},
 "o3": {"litellm_provider": "openai", "mode": "responses",
  "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06, "output_cost_per_reasoning_token": 9e-06,
  "input_cost_per_token_priority": 3.5e-06, "output_cost_per_token_priority": 1.4e-05},
 "dashscope/qwen-flash": {"litellm_provider": "dashscope", "mode": "chat", "tiered_pricing": [
  {"range": [0, 256000.0], "input_cost_per_token": 5e-08, "output_cost_per_token": 4e-07},
  {"range": [256000.0, 1000000.0], "input_cost_per_token": 2.5e-07, "output_cost_per_token": 2e-06}]},
 "fine": {"litellm_provider": "x", "mode": "chat",
  "input_cost_per_token": 1.23456789012345e-07, "output_cost_per_token": 0.0},
 "dall-e": {"litellm_provider": "openai", "mode": "image_generation", "input_cost_per_image": 0.04}}"#;

const WITH_BOOK: &str = "[prices]\ninputs = [{ location = \"prices.parquet\" }]\n";

fn imported(lists: &[(&str, &str)]) -> Project {
    let project = Project::new();
    for (name, text) in lists {
        project.write(name, text);
        let ended = project.run(&["prices", "import", name]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
    project.write("apportion.toml", WITH_BOOK);
    project
}

/// The cost of a call: provider, model, time, tier; then input, output, cache reads, cache writes,
/// one-hour writes, reasoning.
fn cost(
    project: &Project,
    (provider, model, at, tier): (&str, &str, &str, &str),
    t: [i64; 6],
) -> String {
    let sql = format!(
        "SELECT call_cost(provider => '{provider}', model => '{model}', called_at => timestamp '{at}', \
         service_tier => nullif('{tier}', ''), input_tokens => {}, output_tokens => {}, \
         cache_read_tokens => {}, cache_write_tokens => {}, cache_write_1h_tokens => {}, \
         reasoning_tokens => {}) AS cost",
        t[0], t[1], t[2], t[3], t[4], t[5]
    );
    let answer = project.answer(&["--format", "csv", "sql", &sql]);
    answer.lines().nth(1).unwrap().to_owned()
}

const PLAIN: [i64; 6] = [1_000, 100, 0, 0, 0, 0];

#[test]
fn every_kind_of_token_costs_what_the_list_says() {
    let project = imported(&[("litellm.json", LITELLM), ("genai.json", GENAI_PRICES)]);
    let long = [200_001, 10, 100_000, 50_000, 0, 0];
    for (call, tokens, expected) in [
        // 1,000 × 3 + 100 × 15 a million.
        (
            ("anthropic", "claude-sonnet-4-5", "2026-01-01", ""),
            PLAIN,
            "0.004500000000",
        ),
        // At the threshold still the first price, one token above it the second for the whole call:
        // 50,001 × 6 + 100,000 × 0.6 + 50,000 × 7.5 + 10 × 22.5.
        (
            ("anthropic", "claude-sonnet-4-5-20250929", "2026-01-01", ""),
            [200_000, 0, 0, 0, 0, 0],
            "0.600000000000",
        ),
        (
            ("anthropic", "claude-sonnet-4-5", "2026-01-01", ""),
            long,
            "0.735231000000",
        ),
        // Before and after the price changed, and on flex: cache reads keep the standard price.
        (
            ("openai", "o3", "2025-06-09 23:59:59", ""),
            PLAIN,
            "0.014000000000",
        ),
        (
            ("openai", "o3-2025-04-16", "2025-06-10", ""),
            PLAIN,
            "0.002800000000",
        ),
        (
            ("openai", "o3", "2026-01-01", "flex"),
            [1_000, 100, 500, 0, 0, 0],
            "0.001150000000",
        ),
        // By day and by night.
        (
            ("deepseek", "deepseek-chat", "2026-01-01 12:00:00", ""),
            PLAIN,
            "0.000380000000",
        ),
        (
            ("deepseek", "deepseek-chat", "2026-01-01 23:00:00", ""),
            PLAIN,
            "0.000190000000",
        ),
        // 100 × 3.3 + 300 × 0.33 + 200 × 4.125 + 400 × 6.6 + 100 × 16.5 a million.
        (
            ("aws.bedrock", "us.anthropic.claude-x", "2026-01-01", ""),
            [1_000, 100, 300, 600, 400, 0],
            "0.005544000000",
        ),
        // Above the range's lower end, the whole call.
        (
            ("dashscope", "qwen-flash", "2026-01-01", ""),
            [256_000, 0, 0, 0, 0, 0],
            "0.012800000000",
        ),
        (
            ("dashscope", "qwen-flash", "2026-01-01", ""),
            [256_001, 1, 0, 0, 0, 0],
            "0.064002250000",
        ),
        // No price is no cost.
        (("openai", "o4", "2026-01-01", ""), PLAIN, ""),
    ] {
        assert_eq!(
            cost(&project, call, tokens),
            expected,
            "{call:?} {tokens:?}"
        );
    }
}

#[test]
fn the_import_says_what_it_did() {
    let project = Project::new();
    project.write("litellm.json", LITELLM);
    let ended = project.run(&["--format", "csv", "prices", "import", "litellm.json"]);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let expected = [
        "what,provider,model,detail",
        "added,bedrock,us.anthropic.claude-x,\"input 3.3, cache read 0.33, cache write 4.125, cache write 1h 6.6, output 16.5 USD\"",
        "added,dashscope,qwen-flash,\"input 0.05, output 0.4 USD (2 rows)\"",
        "added,openai,o3,\"input 2, output 8, reasoning 9 USD (2 rows)\"",
        "added,x,fine,\"input 0.123457, output 0 USD\"",
        "rounded,x,fine,input_cost_per_token: 1.23456789012345e-07 a token is 0.123457 a million",
        "skipped,openai,dall-e,mode image_generation",
    ];
    assert_eq!(lines, expected);
    assert_eq!(
        ended.stderr,
        "notice: 4 models of litellm taken (4 added, 0 changed, 0 replaced, 0 kept, 1 rounded, \
         1 skipped); prices.parquet has 6 rows\n"
    );
}

#[test]
fn a_changed_price_leaves_old_calls_alone() {
    let project = imported(&[("litellm.json", LITELLM)]);
    project.write(
        "later.json",
        LITELLM.replace(
            "2e-06, \"output_cost_per_token\": 8e-06",
            "1e-06, \"output_cost_per_token\": 4e-06",
        ),
    );
    let changed = project.run(&[
        "--format",
        "csv",
        "prices",
        "import",
        "later.json",
        "--since",
        "2026-10-01",
    ]);
    assert!(
        changed
            .stdout
            .contains("changed,openai,o3,\"from 2026-10-01: input 1, output 4"),
        "{}",
        changed.stdout
    );
    let o3 = |at| cost(&project, ("openai", "o3", at, ""), PLAIN);
    assert_eq!(o3("2026-09-30 23:59:59"), "0.002800000000");
    assert_eq!(o3("2026-10-01"), "0.001400000000");
}

#[test]
fn a_contract_holds_over_lists_while_it_lasts() {
    let project = imported(&[
        ("genai.json", GENAI_PRICES),
        (
            "contract.csv",
            "provider,model,effective_from,effective_to,input_per_mtok,output_per_mtok,currency\n\
             openai,o3*,2026-07-01,2027-01-01,1.5,6,USD\n",
        ),
        // The list comes again, and changes nothing.
        ("again.json", GENAI_PRICES),
    ]);
    let o3 = |at| cost(&project, ("openai", "o3", at, ""), PLAIN);
    assert_eq!(o3("2026-06-30"), "0.002800000000");
    assert_eq!(o3("2026-07-01"), "0.002100000000");
    assert_eq!(o3("2027-01-01"), "0.002800000000");
}

#[test]
fn show_names_the_rows_and_why() {
    let project = imported(&[("genai.json", GENAI_PRICES)]);
    let shown = project.answer(&[
        "--format",
        "csv",
        "prices",
        "show",
        "o3-2025-04-16",
        "--at",
        "2025-06-01",
    ]);
    let expected = "provider,model,effective_from,effective_to,service_tier,input_per_mtok,\
        cache_read_per_mtok,output_per_mtok,currency,source,why\n\
        openai,o3-????-??-??,1970-01-01 00:00:00,2025-06-10 00:00:00,,10.000000,2.500000,40.000000,USD,\
        genai-prices,no exact name; the longest glob that fits; until 2025-06-10; \
        every tier without a row of its own\n\
        openai,o3-????-??-??,1970-01-01 00:00:00,2025-06-10 00:00:00,flex,1.000000,2.500000,4.000000,USD,\
        genai-prices,no exact name; the longest glob that fits; until 2025-06-10; service tier flex\n";
    assert_eq!(shown, expected);
    let refused = project.refusal(&["prices", "show", "claude-sonet-4-5"]);
    let stranger = project.refusal(&["prices", "show", "o3", "--provider", "nobody"]);
    assert!(stranger.contains("no provider `nobody`"), "{stranger}");
    assert!(
        refused.contains("did you mean `claude-sonnet-4-5"),
        "{refused}"
    );
}

#[test]
fn without_a_book_there_are_the_list_prices_of_the_program() {
    let project = Project::new();
    let shown = project.answer(&[
        "--format",
        "csv",
        "prices",
        "show",
        "claude-sonnet-4-5",
        "--provider",
        "anthropic",
    ]);
    assert!(shown.contains("anthropic,claude-sonnet-4-5,"), "{shown}");
    let named = cost(
        &project,
        (
            "vertex_ai-anthropic_models",
            "claude-sonnet-4-5",
            "2026-01-01",
            "",
        ),
        PLAIN,
    );
    assert_eq!(named, "0.004500000000");
}

#[test]
fn a_broken_list_changes_nothing() {
    let project = imported(&[("litellm.json", LITELLM)]);
    let before = std::fs::read(project.path("prices.parquet")).unwrap();
    for (text, place, problem) in [
        (&LITELLM[..700], "list: line", "this is not JSON"),
        (
            r#"{"m": {"litellm_provider": "x", "mode": "chat", "input_cost_per_token": -1e-6}}"#,
            "list: `m`",
            "negative",
        ),
        (
            r#"{"m": {"litellm_provider": "x", "mode": "chat", "input_cost_per_token": "1e-6"}}"#,
            "list: `m`",
            "a text",
        ),
        (
            r#"{"m": {"litellm_provider": "x", "mode": "chat", "input_cost_per_token_at_noon": 1e-6}}"#,
            "list: `m`",
            "`input_cost_per_token_at_noon`",
        ),
        (
            r#"[{"id": "x", "models": [{"id": "m", "match": {"equals": "m"}, "prices": {"input_mtok": 1, "thought_mtok": 2}}]}]"#,
            "list: `m` of `x`",
            "`thought_mtok`",
        ),
        (
            "provider,model,effective_from,input_per_mtok,output_per_mtok,currency\nx,m,2026-01-01,1,1,USD\nx,m,2026-01-01,2,2,USD\n",
            "list: line 2 and line 3",
            "two prices of `m`",
        ),
        ("once upon a time", "list", "no price list"),
    ] {
        project.write("list", text);
        let refused = project.refusal(&["prices", "import", "list"]);
        assert!(
            refused.contains(place) && refused.contains(problem),
            "{refused}"
        );
    }
    project.write("list.json", LITELLM);
    let refused = project.refusal(&["prices", "import", "list.json", "-o", "report.csv"]);
    assert!(
        refused.contains("a price book is a Parquet file"),
        "{refused}"
    );
    assert_eq!(
        std::fs::read(project.path("prices.parquet")).unwrap(),
        before
    );
}
