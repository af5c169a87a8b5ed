//! `apportion cluster scheduler`: takes jobs, cuts them into tasks, hands these to executors.

use super::build;
use super::codec::Codec;
use super::contact::MOST_BYTES;
use super::tls::Tls;
use crate::cli::SchedulerArgs;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::output::Notes;
use crate::session;
use crate::store::Opened;
use arrow_flight::flight_service_server::FlightServiceServer;
use axum::extract::ConnectInfo;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::error::BallistaError;
use ballista_core::extension::BallistaConfigGrpcEndpoint;
use ballista_core::flight_proxy_service::BallistaFlightProxyService;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpcServer;
use ballista_scheduler::api::get_routes;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::{create_scheduler, start_grpc_service_with_listener};
use ballista_scheduler::scheduler_server::SchedulerServer;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use std::sync::Arc;
use tokio::net::TcpListener;
use tonic::service::RoutesBuilder;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Server, ServerTlsConfig};
use tonic::{Request, Status};

/// Executors ask for work twenty times a second, and at least every five seconds when they are busy:
/// who has not done so for this long is gone, and others do its tasks.
const EXECUTOR_IS_GONE_AFTER: u64 = 15;
const LOOK_FOR_GONE_EVERY: u64 = 3;
/// A client fetches what it has asked for at once, and says when it has.
const RESULTS_ARE_KEPT_FOR: u64 = 120;
const JOBS_ARE_KEPT_FOR: u64 = 300;

/// Serves until it is ended.
pub(crate) async fn schedule(
    args: &SchedulerArgs,
    settings: &Settings,
    notes: Notes,
) -> Result<()> {
    super::begin_log();
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|error| super::unbound(args.listen, &error))?;
    let listen = listener.local_addr()?;
    // Plans name stores; only executors read from them.
    let runtime = RuntimeEnvBuilder::new()
        .with_object_store_registry(Arc::new(Opened::new(&settings.stores).await?))
        .build_arc()?;
    let tls = Tls::read(settings.certificates.as_ref())?;
    let config = tls.tasks(session::config(settings));
    let config = Arc::new(SchedulerConfig {
        scheduler_id: build::name(),
        external_host: listen.ip().to_string(),
        bind_host: listen.ip().to_string(),
        bind_port: listen.port(),
        // Executors need no port for tasks, and what restarts is found again by itself.
        scheduling_policy: TaskSchedulingPolicy::PullStaged,
        enable_embedded_flight_proxy: true,
        executor_timeout_seconds: EXECUTOR_IS_GONE_AFTER,
        expire_dead_executor_interval_seconds: LOOK_FOR_GONE_EVERY,
        no_executors_grace_period_seconds: 2 * EXECUTOR_IS_GONE_AFTER,
        finished_job_data_clean_up_interval_seconds: RESULTS_ARE_KEPT_FOR,
        finished_job_state_clean_up_interval_seconds: JOBS_ARE_KEPT_FOR,
        grpc_server_max_decoding_message_size: MOST_BYTES,
        grpc_server_max_encoding_message_size: MOST_BYTES,
        grpc_client_max_message_size: MOST_BYTES,
        override_config_producer: Some(Arc::new(move || config.clone())),
        override_session_builder: Some(Arc::new(move |config| {
            Ok(session::state(config, Arc::clone(&runtime))?.build())
        })),
        use_tls: tls.is_on(),
        override_create_grpc_client_endpoint: tls.clients(),
        override_physical_codec: Some(Arc::new(Codec::new()?)),
        ..SchedulerConfig::default()
    });
    let cluster = BallistaCluster::new_from_config(&config)
        .await
        .map_err(|error| stopped(&error))?;
    let scheduler = create_scheduler::<LogicalPlanNode, PhysicalPlanNode>(cluster, config)
        .await
        .map_err(|error| stopped(&error))?;
    notes.say(&format!(
        "scheduler {} listens at df://{listen}",
        build::here()
    ));
    let served = match tls.server() {
        Some(server) => serve(listener, scheduler, server, &tls).await,
        None => start_grpc_service_with_listener(listener, scheduler).await,
    };
    served.map_err(|error| stopped(&error))
}

/// As Ballista does, but not in the clear.
async fn serve(
    listener: TcpListener,
    scheduler: SchedulerServer<LogicalPlanNode, PhysicalPlanNode>,
    server: ServerTlsConfig,
    tls: &Tls,
) -> Result<(), BallistaError> {
    let most = MOST_BYTES as usize;
    let jobs = SchedulerGrpcServer::new(scheduler.clone())
        .max_encoding_message_size(most)
        .max_decoding_message_size(most);
    // An executor that names no `--host` is where its requests come from.
    let say_who_asks = |mut request: Request<()>| {
        if let Some(address) = request.remote_addr() {
            request.extensions_mut().insert(ConnectInfo(address));
        }
        Ok::<_, Status>(request)
    };
    let clients = tls.clients().map(BallistaConfigGrpcEndpoint::new);
    let rows = BallistaFlightProxyService::new(most, most, tls.is_on(), clients.map(Arc::new));
    let rows = FlightServiceServer::new(rows)
        .max_encoding_message_size(most)
        .max_decoding_message_size(most);
    let mut routes = RoutesBuilder::default();
    routes
        .add_service(InterceptedService::new(jobs, say_who_asks))
        .add_service(rows);
    let routes = get_routes(Arc::new(scheduler)).merge(routes.routes().into_axum_router());
    Server::builder()
        .accept_http1(true)
        .tls_config(server)?
        .add_routes(routes.into())
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await?;
    Ok(())
}

fn stopped(error: &BallistaError) -> Error {
    Error::new(format!("the scheduler stopped: {error}"))
}
