use super::*;

fn settings(text: &str) -> Result<Settings> {
    parse("apportion.toml", text, Path::new("/work/acme"))
}

/// The three lines that a user would see.
fn complaint(text: &str) -> [String; 3] {
    let error = settings(text).unwrap_err();
    let part = |text: Option<&str>| text.unwrap_or_default().to_owned();
    [error.to_string(), part(error.place()), part(error.advice())]
}

#[test]
fn a_whole_file_is_read_in_its_order() {
    let settings = settings(
        r#"
        [customers]
        inputs = [{ location = "customers.parquet" }]
        [billing]
        inputs = [{ location = "s3://acme/openai/*.parquet", source = "openai_costs" },
                  { location = "bills/anthropic/" }]
        [parameters]
        salt = "pepper"
        min_customers = 7
        [engine]
        threads = 3
        memory_limit = "2GiB"
        batch_size = 1_000
        "#,
    )
    .unwrap();
    let input = |location: &str, source: Option<&str>| Input {
        columns: BTreeMap::new(),
        location: location.to_owned(),
        source: source.map(str::to_owned),
    };
    assert_eq!(
        settings.inputs,
        [
            RelationInputs {
                relation: "customers".to_owned(),
                inputs: vec![input("/work/acme/customers.parquet", None)],
            },
            RelationInputs {
                relation: "billing".to_owned(),
                inputs: vec![
                    input("s3://acme/openai/*.parquet", Some("openai_costs")),
                    input("/work/acme/bills/anthropic/", None),
                ],
            },
        ]
    );
    assert_eq!(settings.defaults["salt"], "pepper");
    assert_eq!(settings.defaults["min_customers"], "7");
    assert_eq!(settings.threads, Some(3));
    assert_eq!(settings.memory_limit, Some(2 << 30));
    assert_eq!(settings.batch_size, Some(1000));
}

#[test]
fn an_empty_file_is_enough() {
    assert_eq!(settings("").unwrap(), Settings::default());
}

#[test]
fn unknown_keys_name_the_nearest() {
    assert_eq!(
        complaint("[leger]\ninputs = []"),
        [
            "unknown key `leger` in the file",
            "apportion.toml:1",
            "did you mean `ledger`?"
        ]
    );
    assert_eq!(
        complaint("[ledger]\n\ninptus = []"),
        [
            "unknown key `inptus` in [ledger]",
            "apportion.toml:3",
            "did you mean `inputs`?"
        ]
    );
    assert_eq!(
        complaint("[ledger]\ninputs = [\n  { locaton = \"x\" },\n]"),
        [
            "unknown key `locaton` in an entry of `inputs` in [ledger]",
            "apportion.toml:3",
            "did you mean `location`?"
        ]
    );
    let [message, _, hint] = complaint("[engine]\nqqq = 1");
    assert_eq!(message, "unknown key `qqq` in [engine]");
    assert_eq!(
        hint,
        "[engine] takes `threads`, `memory_limit`, `batch_size`"
    );
}

#[test]
fn wrong_types_say_what_is_wanted_and_found() {
    let message = |text: &str| complaint(text)[0].clone();
    assert_eq!(
        message("[ledger]\ninputs = \"x\""),
        "`inputs` in [ledger] must be an array, not a string"
    );
    assert_eq!(
        message("ledger = 1"),
        "`ledger` in the file must be a table, not an integer"
    );
    assert_eq!(
        message("[ledger]\ninputs = [1]"),
        "`inputs` in [ledger] must be an array of tables, [{ location = \"…\" }], not an integer"
    );
    assert_eq!(
        message("[engine]\nthreads = 0"),
        "`threads` in [engine] must be a whole number above zero, not an integer"
    );
    assert_eq!(
        message("[engine]\nmemory_limit = 8"),
        "`memory_limit` in [engine] must be a text in quotes, not an integer"
    );
    assert_eq!(
        message("[parameters]\nx = []"),
        "`x` in [parameters] must be a single value"
    );
}

#[test]
fn what_is_missing_is_named() {
    assert_eq!(
        complaint("[ledger]")[..2],
        ["[ledger] has no `inputs`", "apportion.toml:1"]
    );
    assert_eq!(
        complaint("[ledger]\ninputs = [\n{ source = \"x\" }]")[..2],
        [
            "an entry of `inputs` in [ledger] has no `location`",
            "apportion.toml:3"
        ]
    );
}

#[test]
fn stores_are_read_and_their_secrets_not_shown() {
    let text = "[stores.\"s3://acme\"]\nendpoint = \"http://127.0.0.1:9000\"\naccess_key_id = \"id\"\nsecret_access_key = \"hidden\"\n";
    let settings = settings(text).unwrap();
    let store = &settings.stores["s3://acme"];
    assert_eq!(store.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
    assert!(!format!("{settings:?}").contains("hidden"));
    let [message, ..] = complaint("[stores.\"s3://acme\"]\nendpont = \"x\"\n");
    assert!(message.contains("endpont"), "{message}");
}

#[test]
fn syntax_errors_name_the_line() {
    let [_, place, _] = complaint("[ledger]\ninputs = [");
    assert!(place.starts_with("apportion.toml:2"), "{place}");
}

#[test]
fn a_bad_memory_size_names_its_line() {
    let [message, place, _] = complaint("[engine]\nmemory_limit = \"lots\"");
    assert!(
        message.starts_with("`lots` is not a memory size"),
        "{message}"
    );
    assert_eq!(place, "apportion.toml:2");
}

#[test]
fn memory_sizes() {
    assert_eq!(memory_size("8GiB"), Ok(8 << 30));
    assert_eq!(memory_size("8 gib"), Ok(8 << 30));
    assert_eq!(memory_size("512M"), Ok(512 << 20));
    assert_eq!(memory_size("1GB"), Ok(1_000_000_000));
    for wrong in [
        "",
        "8",
        "GiB",
        "-1GiB",
        "1.5GiB",
        "8XB",
        "0GiB",
        "99999999999999TiB",
    ] {
        assert!(memory_size(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn query_folders_that_are_named_must_exist() {
    let [message, place, _] = complaint("[queries]\nfolders = [\"nowhere\"]");
    assert_eq!(message, "there is no folder `nowhere`");
    assert_eq!(place, "apportion.toml:2");
}

#[test]
fn a_part_of_a_cluster_has_all_of_its_certificates_or_none() {
    let cluster = |lines: &str| format!("[cluster]\nscheduler = \"df://a:1\"\n{lines}");
    let plain = settings(&cluster("")).unwrap();
    assert_eq!(plain.cluster.as_deref(), Some("df://a:1"));
    assert_eq!(plain.certificates, None);

    let files = "ca = \"ca.pem\"\ncertificate = \"/etc/this.pem\"";
    let whole = settings(&cluster(&format!("{files}\nkey = \"this.key\""))).unwrap();
    assert_eq!(
        whole.certificates,
        Some(Certificates {
            ca: "/work/acme/ca.pem".into(),
            certificate: "/etc/this.pem".into(),
            key: "/work/acme/this.key".into(),
        })
    );
    assert_eq!(complaint(&cluster(files))[0], "[cluster] has no `key`");
    assert_eq!(
        complaint("[cluster]\nca = \"ca.pem\"")[0],
        "[cluster] has no `scheduler`"
    );
}
