//! A Postgres that can be taken away: a proxy in front of the real one.

use std::{sync::Arc, time::Duration};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
    task::JoinHandle,
};

/// Passes connections on to a database, until it is told not to.
pub struct DatabaseProxy {
    state: Arc<watch::Sender<State>>,
    port: u16,
    accepting: JoinHandle<()>,
    options: PgConnectOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Passing,
    /// Connections are closed, old and new.
    Refusing,
    /// Connections stay open and nothing comes through, as when a network loses packets.
    Hanging,
}

impl DatabaseProxy {
    /// A proxy in front of the database of a test's pool.
    pub async fn start(db: &PgPool) -> Self {
        let options = (*db.connect_options()).clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(watch::Sender::new(State::Passing));
        let accepting = tokio::spawn(accept(listener, state.clone(), options.clone()));
        Self { state, port, accepting, options }
    }

    /// A pool that goes through the proxy, and soon gives up.
    pub fn pool(&self) -> PgPool {
        self.pool_that_waits(Duration::from_millis(500))
    }

    /// The same, which hardly ever gives up.
    pub fn patient_pool(&self) -> PgPool {
        self.pool_that_waits(Duration::from_secs(3600))
    }

    fn pool_that_waits(&self, longest: Duration) -> PgPool {
        let mut options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(self.options.get_username())
            .ssl_mode(sqlx::postgres::PgSslMode::Disable);
        if let Some(database) = self.options.get_database() {
            options = options.database(database);
        }
        PgPoolOptions::new().max_connections(5).acquire_timeout(longest).connect_lazy_with(options)
    }

    pub fn refuse(&self) {
        self.state.send_replace(State::Refusing);
    }

    pub fn hang(&self) {
        self.state.send_replace(State::Hanging);
    }

    pub fn pass(&self) {
        self.state.send_replace(State::Passing);
    }
}

impl Drop for DatabaseProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<watch::Sender<State>>, options: PgConnectOptions) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(pass_on(client, state.subscribe(), options.clone()));
    }
}

async fn pass_on(mut client: TcpStream, mut state: watch::Receiver<State>, options: PgConnectOptions) {
    let first = *state.borrow_and_update();
    match first {
        State::Refusing => return,
        State::Hanging => {
            until(&mut state, |state| state != State::Hanging).await;
            return;
        }
        State::Passing => {}
    }
    let mut changes = state.clone();
    let passing = async {
        let port = options.get_port();
        match options.get_socket() {
            Some(folder) => {
                let mut server = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await?;
                tokio::io::copy_bidirectional(&mut client, &mut server).await
            }
            None => {
                let mut server = TcpStream::connect((options.get_host(), port)).await?;
                tokio::io::copy_bidirectional(&mut client, &mut server).await
            }
        }
    };
    tokio::select! {
        // Either side hung up.
        _ = passing => {}
        () = until(&mut changes, |state| state != State::Passing) => {}
    }
    // What was under way stays under way until the proxy changes its mind.
    until(&mut state, |state| state != State::Hanging).await;
}

/// Resolves once the state is of that kind, or the proxy is gone.
async fn until(state: &mut watch::Receiver<State>, is_wanted: impl Fn(State) -> bool) {
    let _ = state.wait_for(|state| is_wanted(*state)).await;
}
