//! Which build this is. Plans mean the same to two programs only where both are made of the same.

/// Of sources, queries and the versions of all packages; see `src/build.rs`.
pub(super) const STAMP: &str = env!("APPORTION_BUILD");

const PREFIX: &str = concat!(
    "apportion-",
    env!("CARGO_PKG_VERSION"),
    "-",
    env!("APPORTION_BUILD"),
    "-"
);

/// A name for a scheduler or an executor that says of which build it is.
pub(super) fn name() -> String {
    format!("{PREFIX}{}", ballista_core::ids::new_instance_id())
}

/// Whether what has this name is of this build.
pub(super) fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// The build in a name, as errors show it.
pub(super) fn of(name: &str) -> String {
    let mut parts = name
        .strip_prefix("apportion-")
        .unwrap_or_default()
        .split('-');
    match (parts.next(), parts.next()) {
        (Some(version), Some(stamp)) => format!("{version} ({stamp})"),
        _ => "of another program".to_owned(),
    }
}

/// This build, as errors show it.
pub(super) fn here() -> String {
    of(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_of_which_build_it_is() {
        assert!(is_ours(&name()));
        assert_ne!(name(), name());
        let other = "apportion-0.0.9-00ff00ff00ff00ff-7e57";
        assert!(!is_ours(other));
        assert_eq!(of(other), "0.0.9 (00ff00ff00ff00ff)");
        assert_eq!(here(), format!("{} ({STAMP})", env!("CARGO_PKG_VERSION")));
        assert_eq!(of("6ba7b810-9dad"), "of another program");
    }
}
