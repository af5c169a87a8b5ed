//! Buckets: what `s3://` is, from the project's settings, the environment and the usual files.
//!
//! A setting comes before the environment, the environment before a profile's file; without any key
//! the machine's own role is asked. Keys are never shown.

use crate::config::Store;
use crate::error::{Error, Result};
use object_store::RetryConfig;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use std::path::PathBuf;
use std::time::Duration;

/// The bucket of a URL such as `s3://acme-llm/calls/`.
pub(super) fn open(url: &url::Url, settings: &Store) -> Result<AmazonS3> {
    let Some(bucket) = url.host_str() else {
        return Err(
            Error::new(format!("`{url}` names no bucket")).hint("write s3://BUCKET/FOLDER/")
        );
    };
    // Who waits at a prompt is not kept for minutes.
    let patience = RetryConfig {
        max_retries: 3,
        retry_timeout: Duration::from_secs(20),
        ..RetryConfig::default()
    };
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_retry(patience);
    let from_environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let endpoint = settings
        .endpoint
        .clone()
        .or_else(|| from_environment("AWS_ENDPOINT_URL_S3"))
        .or_else(|| from_environment("AWS_ENDPOINT_URL"))
        .or_else(|| from_environment("AWS_ENDPOINT"));
    if let Some(endpoint) = endpoint {
        let is_plain = endpoint.starts_with("http://");
        builder = builder.with_endpoint(endpoint).with_allow_http(is_plain);
    }
    if let Some(region) = &settings.region {
        builder = builder.with_region(region);
    }
    let keys = match (&settings.access_key_id, &settings.secret_access_key) {
        (Some(id), Some(secret)) => Some(Keys {
            id: id.clone(),
            secret: secret.clone(),
            token: settings.session_token.clone(),
        }),
        (None, None) if from_environment("AWS_ACCESS_KEY_ID").is_none() => Keys::of_profile(),
        (None, None) => None,
        _ => {
            return Err(Error::new(format!("the store of `{url}` has half a key"))
                .hint("give `access_key_id` and `secret_access_key`, or neither"));
        }
    };
    if let Some(keys) = keys {
        builder = builder
            .with_access_key_id(keys.id)
            .with_secret_access_key(keys.secret);
        if let Some(token) = keys.token {
            builder = builder.with_token(token);
        }
    }
    builder
        .build()
        .map_err(|error| Error::new(format!("`{url}` cannot be reached: {error}")))
}

#[derive(Default)]
struct Keys {
    id: String,
    secret: String,
    token: Option<String>,
}

impl Keys {
    /// Those of `AWS_PROFILE`, or of the default profile, in the shared credentials file.
    fn of_profile() -> Option<Self> {
        let file = std::env::var_os("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from);
        let file = file.or_else(|| Some(std::env::home_dir()?.join(".aws/credentials")))?;
        let profile = std::env::var("AWS_PROFILE").unwrap_or_else(|_| "default".to_owned());
        Self::read(&std::fs::read_to_string(file).ok()?, &profile)
    }

    fn read(text: &str, profile: &str) -> Option<Self> {
        let mut keys = Self::default();
        let mut is_meant = false;
        for line in text.lines().map(str::trim) {
            if let Some(section) = line.strip_prefix('[') {
                is_meant = section.trim_end_matches(']').trim() == profile;
            } else if let Some((name, value)) = line.split_once('=').filter(|_| is_meant) {
                let value = value.trim().to_owned();
                match name.trim() {
                    "aws_access_key_id" => keys.id = value,
                    "aws_secret_access_key" => keys.secret = value,
                    "aws_session_token" => keys.token = Some(value),
                    _ => {}
                }
            }
        }
        (!keys.id.is_empty() && !keys.secret.is_empty()).then_some(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_its_own_keys() {
        let text = "[default]\naws_access_key_id = a\naws_secret_access_key = b\n\n[ci]\naws_access_key_id=c\naws_secret_access_key=d\naws_session_token=e\n";
        let ci = Keys::read(text, "ci").unwrap();
        assert_eq!(
            (ci.id.as_str(), ci.secret.as_str(), ci.token.as_deref()),
            ("c", "d", Some("e"))
        );
        assert_eq!(Keys::read(text, "default").unwrap().id, "a");
        assert!(Keys::read(text, "other").is_none());
    }

    #[test]
    fn half_a_key_is_refused() {
        let url = url::Url::parse("s3://acme/").unwrap();
        let half = Store {
            access_key_id: Some("a".to_owned()),
            ..Store::default()
        };
        assert!(
            open(&url, &half)
                .unwrap_err()
                .to_string()
                .contains("half a key")
        );
    }
}
