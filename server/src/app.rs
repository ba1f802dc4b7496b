//! The panel put together: what is shared, the proxy, and the router with one line per feature.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use api_types::routes;
use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef, Request},
    middleware::{from_fn, from_fn_with_state},
    response::Response,
};
use sqlx::PgPool;
use tokio::runtime::Handle;
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::{
    analytics::Analytics,
    assets,
    changes::Changes,
    client_log::{self, ClientLog},
    clock::Clock,
    config::Config,
    error::ApiError,
    event_loops::apart,
    features::{
        account, analytics as analytics_feature, health as health_feature, jobs as jobs_feature, operator,
        projects::{self, ProjectLists},
        servers::{self, ServerActions, ServerIndexes},
        shell,
        sign_in::{self, Attempts},
    },
    flags::Flags,
    graphite::Graphite,
    health::Health,
    jobs::{Jobs, Runner},
    log::{LevelStore, Log, search::LogSearch},
    metrics::{self, Metrics},
    middleware::{
        around::{Around, around, around_probe},
        limits::LARGEST_BODY,
    },
    proxy::{self, PassOn, Proxy},
    secret::Secret,
    session::{
        Cookies, GivenUpTokens, Keystone, Operators, Scopes, SessionId, SessionStore, Sessions, Upkeep,
    },
    shutdown::Shutdown,
    upstream::{UpstreamClient, tls::InvalidTls},
};

/// What is shared by all requests. Every part is a handle; a handler asks for the one it needs.
#[derive(Clone, FromRef)]
pub struct App {
    pub config: Arc<Config>,
    pub clock: Clock,
    pub health: Health,
    pub metrics: Metrics,
    pub shutdown: Shutdown,
    pub cookies: Cookies,
    pub upstream: UpstreamClient,
    pub keystone: Keystone,
    pub sessions: Sessions,
    pub scopes: Scopes,
    pub given_up: GivenUpTokens,
    pub operators: Operators,
    pub log: Log,
    pub log_levels: LevelStore,
    pub log_search: LogSearch,
    pub attempts: Attempts,
    pub projects: ProjectLists,
    pub servers: ServerIndexes,
    pub jobs: Jobs,
    pub changes: Changes,
    pub client_log: ClientLog,
    pub proxy: Proxy,
    pub analytics: Analytics,
    pub graphite: Graphite,
    pub flags: Flags,
}

impl App {
    /// Errors: the configured certificates are of no use.
    pub fn new(
        config: Config,
        db: PgPool,
        clock: Clock,
        metrics: Metrics,
        shutdown: Shutdown,
        log: Log,
    ) -> Result<Self, InvalidTls> {
        let config = Arc::new(config);
        let upstream = UpstreamClient::new(&config.upstream, metrics.clone())?;
        let keystone = Keystone::new(upstream.clone(), config.keystone.auth_url.clone());
        let store = SessionStore::new(db.clone(), config.database.timeout);
        let sessions = Sessions::new(store, config.session.clone(), clock.clone(), metrics.clone());
        let given_up = GivenUpTokens::new(sessions.clone(), keystone.clone(), config.session.revoke_after);
        let scopes = Scopes::new(keystone.clone(), sessions.clone(), clock.clone());
        let operators = Operators::new(
            keystone.clone(),
            sessions.clone(),
            given_up.clone(),
            config.operator.clone(),
            clock.clone(),
        );
        let client_log = ClientLog::new(
            &config.client_log,
            client_log::Parts {
                db: db.clone(),
                log: log.clone(),
                clock: clock.clone(),
                metrics: metrics.clone(),
                shutdown: shutdown.clone(),
                scopes: scopes.clone(),
            },
        );
        let lockout = config.sign_in.lockout.clone();
        let log_levels = LevelStore::new(db.clone(), clock.clone());
        let log_search = LogSearch::new(db.clone(), config.operator.search, config.database.max_connections);
        let changes = Changes::new(
            db.clone(),
            config.jobs.keep_days,
            clock.clone(),
            metrics.clone(),
            config.database.timeout,
        );
        let flags = Flags::new(config.flags, db.clone(), clock.clone(), metrics.clone());
        Ok(Self {
            flags,
            health: Health::new(
                &config,
                db.clone(),
                upstream.clone(),
                keystone.clone(),
                clock.clone(),
                metrics.clone(),
                shutdown.clone(),
            ),
            analytics: Analytics::new(
                db.clone(),
                config.analytics.clone(),
                clock.clone(),
                shutdown.clone(),
                config.database.timeout,
            ),
            jobs: Jobs::new(db.clone(), sessions.sealer().clone(), config.jobs.clone(), clock.clone()),
            client_log,
            attempts: Attempts::new(db, lockout, clock.clone(), config.database.timeout),
            projects: ProjectLists::new(keystone.clone(), clock.clone()),
            proxy: Proxy::new(
                upstream.clone(),
                scopes.clone(),
                &config.proxy,
                metrics.clone(),
                clock.clone(),
                changes.clone(),
                shutdown.clone(),
            ),
            changes,
            servers: ServerIndexes::new(upstream.clone(), &config.index, metrics.clone()),
            graphite: Graphite::new(&config.graphite, &config.upstream.tls)?,
            cookies: Cookies::new(&config.listen.public_url),
            config,
            clock,
            metrics,
            shutdown,
            upstream,
            keystone,
            sessions,
            scopes,
            given_up,
            operators,
            log,
            log_levels,
            log_search,
        })
    }

    /// Forgets what this node has of a session that is over. Returns its tokens, to be given up.
    pub fn forget_session(&self, session: SessionId) -> Vec<Secret> {
        let mut tokens = self.scopes.forget_session(session);
        tokens.extend(self.operators.forget_session(session));
        tokens
    }

    /// Starts what runs beside the requests.
    pub fn start_upkeep(&self) -> Upkeep {
        let attempts = self.attempts.clone();
        let forget_attempts = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(600)).await;
                if let Err(error) = attempts.delete_old().await {
                    tracing::debug!(%error, "old sign-in failures are deleted later");
                }
            }
        });
        let projects = self.projects.clone();
        let prune_projects = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(60)).await;
                projects.prune();
            }
        });
        let runner = Runner {
            jobs: self.jobs.clone(),
            work: ServerActions {
                upstream: self.upstream.clone(),
                keystone: self.keystone.clone(),
                indexes: self.servers.clone(),
                proxy: self.proxy.clone(),
                jobs: self.jobs.clone(),
                clock: self.clock.clone(),
            },
            metrics: self.metrics.clone(),
            shutdown: self.shutdown.clone(),
        };
        Upkeep::start(&self.sessions, &self.scopes)
            .with(forget_attempts)
            .with(prune_projects)
            .with(tokio::spawn(self.client_log.clone().forget_old()))
            .finishing(tokio::spawn(self.client_log.clone().collect()), self.config.listen.stop_after)
            .finishing(tokio::spawn(self.analytics.clone().run()), self.config.database.timeout)
            .with(tokio::spawn(self.changes.clone().forget_old()))
            .finishing(tokio::spawn(self.changes.clone().run()), self.config.listen.stop_after)
            .with(tokio::spawn(self.given_up.clone().run()))
            .with(tokio::spawn(self.flags.clone().follow()))
            .with(tokio::spawn(self.operators.clone().run()))
            // Calls under way are finished, for as long as requests are.
            .finishing(tokio::spawn(runner.run()), self.config.listen.stop_after)
    }
}

/// The whole panel: what answers a request. Cheap to clone.
#[derive(Clone)]
pub struct Panel(Arc<Inner>);

struct Inner {
    around: Around,
    proxy: PassOn,
    features: Router,
    /// What answers for the features, wherever the connection has its place.
    shared: Handle,
}

impl Panel {
    pub fn new(app: &App) -> Self {
        let around = Around::new(app);
        Self(Arc::new(Inner {
            proxy: PassOn::new(&app.proxy, &app.sessions, app.cookies),
            features: features(app, &around),
            around,
            shared: Handle::current(),
        }))
    }
}

impl Inner {
    async fn answer(&self, request: Request) -> Response {
        // Most of what a busy panel answers. It needs no route, and the boxes on the way to one cost it something.
        let path = request.uri().path();
        if proxy::is_passed_on(path) {
            return self.around.handle(request, |request| self.proxy.pass_on(request)).await;
        }
        // Browsers tell what they log in many small messages, each of which would have to be carried over.
        let is_quick = path == routes::CLIENT_LOG;
        let answering = self.features.clone().oneshot(request);
        let Ok(response) = match is_quick {
            true => answering.await,
            false => apart(&self.shared, answering).await,
        };
        response
    }
}

impl Service<Request> for Panel {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let inner = self.0.clone();
        Box::pin(async move { Ok(inner.answer(request).await) })
    }
}

/// One line per feature.
fn features(app: &App, around_requests: &Around) -> Router {
    let features = Router::new()
        .merge(sign_in::router())
        .merge(account::router())
        .merge(analytics_feature::router())
        .merge(projects::router())
        .merge(servers::router())
        .merge(jobs_feature::router())
        .merge(client_log::router())
        .merge(operator::router(app))
        .merge(shell::router(app))
        .merge(assets::router())
        .merge(metrics::page::router(&app.metrics, &app.config.metrics))
        .fallback(async || ApiError::Refused { status: axum::http::StatusCode::NOT_FOUND });
    let middleware = ServiceBuilder::new()
        .layer(from_fn_with_state(around_requests.clone(), around))
        // Bounds what handlers read of a body whose length is not announced.
        .layer(DefaultBodyLimit::max(LARGEST_BODY));
    let probes = health_feature::router().layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(around_requests.clone(), around_probe))
            .layer(from_fn(health_feature::quiet)),
    );
    features.layer(middleware).merge(probes).with_state(app.clone())
}
