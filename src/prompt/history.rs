//! Where typed statements are remembered: the folder for a user's state.

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

#[cfg(test)]
mod tests {
    use super::*;

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
