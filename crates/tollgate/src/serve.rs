//! `tollgate serve`: from the configuration to listeners, and to a graceful end.

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tollgate_core::config::{self, Config};
use tollgate_ir::Fault;
use tollgate_server::app::{Gateway, State};
use tollgate_server::edge::{Edge, Serves};
use tollgate_server::listen::{Certificate, CertificateFiles, Listener};
use tollgate_server::tasks::{Drained, Tasks};
use tollgate_server::warm;
use tollgate_store::{Bounds, MemoryContinuity};

use crate::cli::complain;
use crate::configure::Source;
use crate::{local, log, watch};

/// How often what has expired is let go.
const SWEEP: Duration = Duration::from_secs(180);

/// Serves until a signal ends it.
pub fn run(source: Source) -> ExitCode {
    let state = match source.state() {
        Ok(state) => state,
        Err(problems) => {
            complain(&problems);
            return ExitCode::FAILURE;
        }
    };
    let _log = log::begin(&state.config.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("the runtime cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(serve(source, state)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            complain(&fault.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn serve(source: Source, state: State) -> Result<(), Fault> {
    let config = Arc::clone(&state.config);
    config::check_bind(&config)?;
    let tasks = Tasks::new();
    let certificate = certificate(&config)?;
    let this: Arc<OnceLock<Gateway>> = Arc::default();
    let reload = {
        let (source, certificate, this) = (source.clone(), certificate.clone(), Arc::downgrade(&this));
        move || match this.upgrade().as_ref().and_then(|this| this.get()) {
            Some(gateway) => reload(gateway, &source, certificate.as_ref()),
            None => Err("the gateway is not up yet".to_owned()),
        }
    };
    let continuity = Arc::new(MemoryContinuity::new(Bounds::default()));
    let gateway = Gateway::new(state, tasks.clone(), Arc::clone(&continuity) as _, reload)?;
    sweep(&gateway, continuity);
    // Set once, right here.
    let _ = this.set(gateway.clone());
    listen(&gateway, &config, certificate.clone())?;
    warm::begin(&gateway);
    if source.file().is_none() {
        local::discover(&gateway, &source, source.discovery().as_deref());
    }
    let _watcher = watch::watch(&gateway, &source, certificate.as_ref());
    wait(&gateway).await;
    let grace = config.server.grace;
    let drained = if config.server.reuse_port { tasks.hand_over(grace).await } else { tasks.drain(grace).await };
    match drained {
        Drained::Clean => tracing::info!("all calls have ended"),
        Drained::Ended => tracing::warn!("the grace is over; the rest of the calls were ended"),
        Drained::Left(left) => tracing::warn!(left, "some calls did not end in time"),
    }
    Ok(())
}

/// Lets go of what has expired, so that an idle gateway does not hold it.
fn sweep(gateway: &Gateway, continuity: Arc<MemoryContinuity>) {
    let clock = gateway.clock();
    gateway.tasks().background("continuity-sweeper", async move {
        loop {
            tokio::time::sleep(SWEEP).await;
            continuity.sweep(clock.now());
        }
    });
}

fn certificate(config: &Config) -> Result<Option<Certificate>, Fault> {
    let load = |files: &config::CertFiles| {
        Certificate::load(CertificateFiles { chain: files.cert.clone().into(), key: files.key.clone().into() })
    };
    config.server.tls.as_ref().map(load).transpose()
}

fn listen(gateway: &Gateway, config: &Config, certificate: Option<Certificate>) -> Result<(), Fault> {
    let scheme = if certificate.is_some() { "https" } else { "http" };
    let main = Listener::bind(config.server.listen, certificate.clone(), config.server.reuse_port)?;
    let address = main.local_address();
    let admin = config.server.admin.filter(|admin| *admin != config.server.listen);
    let serves = if admin.is_some() { Serves::Clients } else { Serves::All };
    if let Some(admin) = admin {
        let listener = Listener::bind(admin, certificate, config.server.reuse_port)?;
        tracing::info!(address = %listener.local_address(), "operators are served");
        listener.serve(Edge::new(gateway.clone(), Serves::Admin), gateway.tasks());
    }
    main.serve(Edge::new(gateway.clone(), serves), gateway.tasks());
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let providers: Vec<_> = config.providers.iter().map(|p| &*p.id).collect();
    tracing::info!(url = %format!("{scheme}://{address}"), providers = providers.join(","), version = env!("CARGO_PKG_VERSION"), "clients are served");
    Ok(())
}

/// Puts the changed configuration in force; what needs a restart. An invalid one changes nothing.
fn reload(gateway: &Gateway, source: &Source, certificate: Option<&Certificate>) -> Result<Vec<String>, String> {
    let fresh = source.state()?;
    if let Some(certificate) = certificate {
        certificate.reload().map_err(|fault| fault.to_string())?;
    }
    let restart: Vec<String> =
        config::needs_restart(&gateway.state().config, &fresh.config).into_iter().map(str::to_owned).collect();
    for warning in &fresh.config.warnings {
        tracing::warn!("{warning}");
    }
    gateway.swap(fresh);
    tracing::info!(needs_restart = restart.join(","), "the configuration was reloaded");
    Ok(restart)
}

/// Until a signal to stop; a hang-up reloads.
async fn wait(gateway: &Gateway) {
    let (Ok(mut stop), Ok(mut hang_up)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) else {
        tracing::error!("signals cannot be received; stop the process by killing it");
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = stop.recv() => break,
            _ = tokio::signal::ctrl_c() => break,
            _ = hang_up.recv() => watch::reload(gateway),
        }
    }
    tracing::info!("stopping: no new calls, running ones may end");
}
