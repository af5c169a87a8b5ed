//! Where typed statements are remembered, the folder for a user's state; and which are not.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// `$XDG_STATE_HOME/apportion/history`, by default below `~/.local/state`; nothing without a home.
pub(super) fn file() -> Option<PathBuf> {
    located(env::var_os("XDG_STATE_HOME"), env::home_dir())
}

fn located(state: Option<OsString>, home: Option<PathBuf>) -> Option<PathBuf> {
    // The rules of XDG: what is not absolute does not count.
    let state = state.map(PathBuf::from).filter(|path| path.is_absolute());
    let state = state.or_else(|| Some(home?.join(".local").join("state")))?;
    Some(state.join("apportion").join("history"))
}

/// Words beside which keys and passwords stand.
const SECRETS: [&str; 9] = [
    "access_key",
    "accesskey",
    "api_key",
    "apikey",
    "bearer",
    "credential",
    "passw",
    "secret",
    "session_token",
];

/// Whether a text may hold a secret: better to type it again than to find it in a file.
pub(super) fn is_secret(text: &str) -> bool {
    let text = text.to_lowercase();
    SECRETS.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_passwords_are_not_remembered() {
        assert!(is_secret(
            "create external table t … options ('aws.SECRET_access_key' 'x')"
        ));
        assert!(is_secret("\\set password x"));
        assert!(!is_secret(
            "select sum(input_tokens) from ledger where session_id = 'x'"
        ));
    }

    #[test]
    fn the_state_folder_is_preferred_to_the_home() {
        let home = || Some(PathBuf::from("/home/ada"));
        let usual = Some(PathBuf::from("/home/ada/.local/state/apportion/history"));
        assert_eq!(
            located(Some("/s".into()), home()),
            Some("/s/apportion/history".into())
        );
        assert_eq!(located(Some("relative".into()), home()), usual);
        assert_eq!(located(None, home()), usual);
        assert_eq!(located(None, None), None);
    }
}
