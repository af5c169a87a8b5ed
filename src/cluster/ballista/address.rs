//! Where a scheduler is: `df://HOST:PORT`.

use crate::error::{Error, Result};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use url::{Host, Url};

/// Where schedulers listen, if nothing is said.
pub(super) const USUAL_PORT: u16 = 50050;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    host: Host,
    pub(super) port: u16,
}

impl Address {
    /// The host as URLs have it.
    pub(super) fn host(&self) -> String {
        self.host.to_string()
    }

    /// For requests.
    pub(super) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    /// Whether the scheduler is on this machine; then its executors are taken to see this machine's files.
    pub(super) fn is_here(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => IpAddr::from(*address).is_loopback(),
            Host::Ipv6(address) => IpAddr::from(*address).is_loopback(),
        }
    }
}

impl Default for Address {
    fn default() -> Self {
        Self {
            host: Host::Ipv4([127, 0, 0, 1].into()),
            port: USUAL_PORT,
        }
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::new(format!("`{text}` is not the address of a cluster"))
                .hint("write df://HOST:PORT, such as df://127.0.0.1:50050")
        };
        let rest = text.strip_prefix("df://").ok_or_else(wrong)?;
        // Of a scheme that it does not know, the parser would take any text for a host.
        let url = Url::parse(&format!("http://{rest}")).map_err(|_| wrong())?;
        let is_bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let host = url.host().filter(|_| is_bare).ok_or_else(wrong)?;
        Ok(Self {
            host: host.to_owned(),
            port: match url.port() {
                Some(port) => port,
                // The parser drops what is usual for its own scheme.
                None if rest.trim_end_matches('/').ends_with(":80") => 80,
                None => USUAL_PORT,
            },
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "df://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        let read = |text: &str| text.parse::<Address>().map(|address| address.to_string());
        assert_eq!(read("df://10.0.0.7:6000").unwrap(), "df://10.0.0.7:6000");
        assert_eq!(read("df://scheduler").unwrap(), "df://scheduler:50050");
        assert_eq!(read("df://scheduler:80/").unwrap(), "df://scheduler:80");
        assert_eq!(read("df://[::1]:6000").unwrap(), "df://[::1]:6000");
        assert_eq!(Address::default().to_string(), "df://127.0.0.1:50050");
        for wrong in [
            "10.0.0.7:6000",
            "http://a:1",
            "df://",
            "df://a:1/b",
            "df://u:p@a:1",
            "df://a:b",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn this_machine_is_known() {
        let is_here = |text: &str| text.parse::<Address>().unwrap().is_here();
        assert!(
            is_here("df://127.0.0.1:1") && is_here("df://[::1]:1") && is_here("df://localhost:1")
        );
        assert!(!is_here("df://10.0.0.7:1") && !is_here("df://scheduler:1"));
    }
}
