//! Certificates of an authority that exists for one test.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::path::Path;

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut about = CertificateParams::default();
        about.distinguished_name.push(DnType::CommonName, name);
        about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = about.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(about, key);
        Self {
            issuer,
            certificate,
        }
    }

    /// Puts a certificate for this machine into a folder, and answers the settings that use it.
    pub(crate) fn certify(&self, folder: &Path) -> &'static str {
        let about = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = about.signed_by(&key, &self.issuer).unwrap();
        let write = |file, pem: &str| std::fs::write(folder.join(file), pem).unwrap();
        write("ca.pem", &self.certificate);
        write("part.pem", &certificate.pem());
        write("part.key", &key.serialize_pem());
        "[cluster]\nscheduler = \"df://127.0.0.1:50050\"\n\
         ca = \"ca.pem\"\ncertificate = \"part.pem\"\nkey = \"part.key\"\n"
    }
}
