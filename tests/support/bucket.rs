//! A bucket on this machine: a server that speaks S3 and checks signatures, over a folder.

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub(crate) const KEY_ID: &str = "AKIATEST";
pub(crate) const SECRET: &str = "only for tests";

/// Serves for as long as it lives.
pub(crate) struct Bucket {
    folder: TempDir,
    pub(crate) name: &'static str,
    pub(crate) endpoint: String,
    asked: Arc<AtomicUsize>,
    is_cut_off: Arc<AtomicBool>,
    _server: Runtime,
}

impl Bucket {
    pub(crate) fn open(name: &'static str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join(name)).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        let service = service.build();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let is_cut_off = Arc::new(AtomicBool::new(false));
        let is_cut = Arc::clone(&is_cut_off);
        let server = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = server.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        server.spawn(async move {
            let connections = Builder::new(TokioExecutor::new());
            while let Ok((socket, _)) = listener.accept().await {
                let (service, counted) = (service.clone(), Arc::clone(&counted));
                let is_cut = Arc::clone(&is_cut);
                let service = service_fn(move |request: Request<Incoming>| {
                    counted.fetch_add(1, Ordering::Relaxed);
                    let answer = Service::call(&service, request);
                    let is_cut = Arc::clone(&is_cut);
                    async move {
                        // Nothing comes back from behind a cut.
                        while is_cut.load(Ordering::Relaxed) {
                            tokio::time::sleep(Duration::from_millis(50)).await;
                        }
                        answer.await
                    }
                });
                let connection = connections
                    .serve_connection(TokioIo::new(socket), service)
                    .into_owned();
                tokio::spawn(async move {
                    let _ = connection.await;
                });
            }
        });
        Self {
            folder,
            name,
            endpoint,
            asked,
            is_cut_off,
            _server: server,
        }
    }

    /// How a session reaches it.
    #[cfg(feature = "cluster")]
    pub(crate) fn store(&self) -> apportion::config::Store {
        apportion::config::Store {
            endpoint: Some(self.endpoint.clone()),
            region: Some("us-east-1".to_owned()),
            access_key_id: Some(KEY_ID.to_owned()),
            secret_access_key: Some(SECRET.to_owned()),
            session_token: None,
        }
    }

    /// How many requests have been made.
    pub(crate) fn requests(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// Whether nothing gets through.
    #[cfg_attr(
        not(feature = "cluster"),
        allow(dead_code, reason = "only clusters are tried behind a cut")
    )]
    pub(crate) fn cut_off(&self, is_cut_off: bool) {
        self.is_cut_off.store(is_cut_off, Ordering::Relaxed);
    }

    /// Puts a file into the bucket.
    pub(crate) fn put(&self, name: &str, file: &Path) {
        let place = self.folder.path().join(self.name).join(name);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::copy(file, place).unwrap();
    }
}
