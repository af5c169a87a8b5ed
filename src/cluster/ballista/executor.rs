//! `apportion cluster executor`: runs tasks, and keeps what they found until it has been fetched.

use super::address::Address;
use super::bounded::Bounded;
use super::build;
use super::codec::Codec;
use super::contact::{Contact, MOST_BYTES};
use super::tls::Tls;
use super::work_folder::WorkFolder;
use crate::cli::ExecutorArgs;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::output::Notes;
use crate::session;
use crate::store::Opened;
use arrow_flight::flight_service_server::FlightServiceServer;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_core::utils::create_grpc_server;
use ballista_executor::ArrowFlightServerProvider;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_executor::flight_service::BallistaFlightService;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};
use tonic::transport::ServerTlsConfig;

/// Parts of a cluster are started in any order.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(200);
/// What nobody has fetched or told to remove, because its scheduler is gone.
const DATA_IS_KEPT_FOR: u64 = 600;
const CLEANED_EVERY: u64 = 60;

/// Works until it is ended.
pub(crate) async fn execute(args: &ExecutorArgs, settings: &Settings, notes: Notes) -> Result<()> {
    super::begin_log();
    let address = match &settings.cluster {
        Some(address) => address.parse()?,
        None => Address::default(),
    };
    let tls = Tls::read(settings.certificates.as_ref())?;
    let contact = Contact::new(address, tls.clone())?;
    find_scheduler(&contact).await?;
    // The port is asked for once more by what serves there.
    let listener = TcpListener::bind(args.listen).await;
    let listen = listener
        .and_then(|listener| listener.local_addr())
        .map_err(|error| super::unbound(args.listen, &error))?;
    let limit = args.work_limit as u64;
    let parent = args.work_folder.clone().unwrap_or_else(std::env::temp_dir);
    let folder = Arc::new(WorkFolder::open(&parent, limit)?);
    let cores = match settings.threads {
        Some(threads) => threads,
        None => available_parallelism()?.get(),
    };

    let stores = Opened::new(&settings.stores).await?;
    let spilled = folder.spilled();
    let state = session::state(session::config(settings), Arc::default())?.build();
    let config = tls.tasks(session::config(settings));
    let process = ExecutorProcessConfig {
        executor_id: build::name(),
        bind_host: listen.ip().to_string(),
        external_host: args.host.clone(),
        port: listen.port(),
        grpc_port: listen.port(),
        scheduler_host: contact.address.host(),
        scheduler_port: contact.address.port,
        vcores: cores,
        task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
        work_dir: Some(folder.jobs().to_string_lossy().into_owned()),
        job_data_ttl_seconds: DATA_IS_KEPT_FOR,
        job_data_clean_up_interval_seconds: CLEANED_EVERY,
        grpc_max_decoding_message_size: MOST_BYTES,
        grpc_max_encoding_message_size: MOST_BYTES,
        memory_pool_size: settings.memory_limit.map(|bytes| bytes as u64),
        override_execution_engine: Some(Arc::new(Bounded::new(
            Arc::clone(&folder),
            contact.scheduler()?,
        ))),
        override_function_registry: Some(Arc::new(BallistaFunctionRegistry::from(&state))),
        override_config_producer: Some(Arc::new(move || config.clone())),
        override_runtime_producer: Some(Arc::new(move |_| {
            RuntimeEnvBuilder::new()
                .with_object_store_registry(Arc::new(stores.clone()))
                .with_temp_file_path(&spilled)
                .with_max_temp_directory_size(limit)
                .build_arc()
        })),
        override_create_grpc_client_endpoint: tls.clients(),
        override_arrow_flight_service: tls.server().map(rows),
        override_physical_codec: Some(Arc::new(Codec::new()?)),
        ..ExecutorProcessConfig::default()
    };
    notes.say(&format!(
        "executor with {cores} cores works for {}, data at {listen}",
        contact.address
    ));
    let ended = start_executor_process(Arc::new(process)).await;
    folder.remove();
    ended.map_err(|error| Error::new(format!("the executor stopped: {error}")))
}

/// Serves what others ask for as Ballista does, but not in the clear.
fn rows(server: ServerTlsConfig) -> Arc<ArrowFlightServerProvider> {
    let most = MOST_BYTES as usize;
    Arc::new(move |folder, listen, mut end, limits| {
        let server = server.clone();
        let rows = FlightServiceServer::new(BallistaFlightService::new(folder))
            .max_encoding_message_size(most)
            .max_decoding_message_size(most);
        tokio::spawn(async move {
            create_grpc_server(&limits)
                .tls_config(server)?
                .add_service(rows)
                .serve_with_shutdown(listen, end.recv())
                .await?;
            Ok(())
        })
    })
}

/// Waits until something listens there, and looks what it is.
async fn find_scheduler(contact: &Contact) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    let place = format!("{}:{}", contact.address.host(), contact.address.port);
    while TcpStream::connect(&place).await.is_err() && Instant::now() < until {
        sleep(PAUSE).await;
    }
    contact.check_scheduler().await
}
