//! [`Tls`]: the parts of a cluster show each other certificates of one authority, and speak to nobody else.

use super::contact::innermost;
use crate::config::Certificates;
use crate::error::{Error, Result, reason};
use ballista_core::extension::{EndpointOverrideFn, SessionConfigExt};
use ballista_core::utils::{GrpcClientConfig, create_grpc_client_endpoint};
use datafusion::prelude::SessionConfig;
use reqwest::ClientBuilder;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, ServerTlsConfig};

type Anything = Box<dyn std::error::Error + Send + Sync>;

/// In the clear, if it is not certified.
#[derive(Clone, Default)]
pub(super) struct Tls(Option<Arc<Certified>>);

struct Certified {
    ca: Vec<u8>,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Tls {
    pub(super) fn read(files: Option<&Certificates>) -> Result<Self> {
        let Some(files) = files else {
            return Ok(Self::default());
        };
        let tls = Self(Some(Arc::new(Certified {
            ca: read(&files.ca)?,
            certificate: read(&files.certificate)?,
            key: read(&files.key)?,
        })));
        // Whether they are what they should be shows when they are first used.
        match tls.endpoint(Endpoint::from_static("https://localhost")) {
            Ok(_) => Ok(tls),
            Err(error) => {
                let error = innermost(error.as_ref());
                let (certificate, key) = (files.certificate.display(), files.key.display());
                let ca = files.ca.display();
                Err(Error::new(format!(
                    "`{certificate}`, `{key}` and `{ca}` do not serve as certificate, key and authority: {error}"
                ))
                .hint("they must be PEM files, and the key the certificate's"))
            }
        }
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.is_on() { "https" } else { "http" }
    }

    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// What a server shows and asks for; nothing, if it serves in the clear.
    pub(super) fn server(&self) -> Option<ServerTlsConfig> {
        let certified = self.0.as_ref()?;
        Some(
            ServerTlsConfig::new()
                .identity(certified.identity())
                .client_ca_root(Certificate::from_pem(&certified.ca)),
        )
    }

    /// What Ballista's own clients are passed through; nothing, if they speak in the clear.
    pub(super) fn clients(&self) -> Option<EndpointOverrideFn> {
        let tls = self.clone();
        self.is_on()
            .then(|| Arc::new(move |endpoint| tls.endpoint(endpoint)) as _)
    }

    /// How tasks reach what other executors keep for them.
    pub(super) fn tasks(&self, config: SessionConfig) -> SessionConfig {
        match self.clients() {
            Some(clients) => config
                .with_ballista_use_tls(true)
                .with_ballista_override_create_grpc_client_endpoint(clients),
            None => config,
        }
    }

    pub(super) fn http(&self, client: ClientBuilder) -> reqwest::Result<ClientBuilder> {
        let Some(certified) = &self.0 else {
            return Ok(client);
        };
        let both = [&certified.certificate[..], b"\n", &certified.key].concat();
        Ok(client
            .use_rustls_tls()
            .tls_built_in_root_certs(false)
            .add_root_certificate(reqwest::Certificate::from_pem(&certified.ca)?)
            .identity(reqwest::Identity::from_pem(&both)?))
    }

    pub(super) fn endpoint(&self, endpoint: Endpoint) -> Result<Endpoint, Anything> {
        let Some(certified) = &self.0 else {
            return Ok(endpoint);
        };
        let endpoint = match endpoint.uri().to_string().strip_prefix("http://") {
            // An executor knows no other way to its scheduler.
            Some(place) => {
                let limits = GrpcClientConfig::default();
                create_grpc_client_endpoint(format!("https://{place}"), Some(&limits))?
            }
            None => endpoint,
        };
        let client = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&certified.ca))
            .identity(certified.identity());
        Ok(endpoint.tls_config(client)?)
    }
}

impl Certified {
    fn identity(&self) -> Identity {
        Identity::from_pem(&self.certificate, &self.key)
    }
}

/// Without its key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.is_on()).finish()
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|error| {
        let (file, reason) = (file.display(), reason(&error));
        Error::new(format!("cannot read `{file}`: {reason}"))
            .hint("`[cluster]` in the config names it")
    })
}
