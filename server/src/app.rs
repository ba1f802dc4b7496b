//! The panel put together: what is shared, and the router with one line per feature.

use std::{sync::Arc, time::Duration};

use axum::{
    Router, extract::DefaultBodyLimit, extract::FromRef, middleware::from_fn, middleware::from_fn_with_state,
};
use sqlx::PgPool;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    analytics::Analytics,
    assets,
    changes::Changes,
    client_log::{self, ClientLog},
    clock::Clock,
    config::Config,
    error::ApiError,
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
        answer_errors::{answer_errors, answer_panic},
        csrf::csrf,
        limits::{LARGEST_BODY, limits},
        log_request::log_request,
        metrics::metrics as measure,
        request_id::request_id,
        security_headers::{SecurityHeaders, security_headers},
        timeout::{RequestTimeout, timeout},
    },
    proxy::{self, Proxy},
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

/// The whole panel.
pub fn router(app: App) -> Router {
    let features = Router::new()
        .merge(sign_in::router())
        .merge(account::router())
        .merge(analytics_feature::router())
        .merge(projects::router())
        .merge(servers::router())
        .merge(jobs_feature::router())
        .merge(client_log::router())
        .merge(operator::router(&app))
        .merge(proxy::router(&app.proxy, &app.sessions, app.cookies))
        .merge(shell::router(&app))
        .merge(assets::router())
        .merge(metrics::page::router(&app.metrics, &app.config.metrics))
        .fallback(async || ApiError::Refused { status: axum::http::StatusCode::NOT_FOUND });

    // The upstream calls of a request have their own deadline; a little more lets their answer through.
    let request_timeout = RequestTimeout(app.config.upstream.timeout + Duration::from_secs(5));
    // Each request takes some clones of what the middleware needs.
    let around = Arc::new(app.clone());
    let headers = SecurityHeaders::new(&app.config.listen.public_url);
    let (probed, probe_headers) = (around.clone(), headers.clone());
    // A request passes them from the first line down to the last, its answer the other way. One layer of ten, since
    // each layer of its own is a box that every request has cloned.
    let middleware = ServiceBuilder::new()
        // 1. Outermost, since everything below names the request by its id.
        .layer(from_fn_with_state(around.clone(), request_id))
        // 2. See the final status and the whole duration.
        .layer(from_fn(log_request))
        .layer(from_fn_with_state(app.metrics.clone(), measure))
        // 3. On every answer, errors included.
        .layer(from_fn_with_state(headers, security_headers))
        // 4. Gives all errors from below their body.
        .layer(from_fn_with_state(around.clone(), answer_errors))
        // 5. A panic below is an answer above, with the id and the headers of every other.
        .layer(CatchPanicLayer::custom(answer_panic))
        // 6. Before anything reads the request.
        .layer(from_fn(limits))
        // 7. Bounds everything that waits.
        .layer(from_fn_with_state(request_timeout, timeout))
        // 8. Inside the time limit: it may have to look the session up.
        .layer(from_fn_with_state(around, csrf))
        // 9. Bounds what handlers read of a body whose length is not announced.
        .layer(DefaultBodyLimit::max(LARGEST_BODY));
    // Probes need none of it but an id, and the headers that every answer has.
    let probes = health_feature::router().layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(probed, request_id))
            .layer(from_fn(health_feature::quiet))
            .layer(from_fn_with_state(probe_headers, security_headers)),
    );
    features.layer(middleware).merge(probes).with_state(app)
}
