//! Services behind TLS: whose certificate is trusted.

use std::{net::SocketAddr, sync::Arc};

use axum::http::StatusCode;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use server::{config::Source, testing::TestApp};
use simcloud::{CloudConfig, Service};
use sqlx::PgPool;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use super::{Asking, fake::json};

/// A service on `localhost` whose certificate it signed itself; the certificate as PEM.
async fn service() -> (SocketAddr, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key));
    let acceptor = TlsAcceptor::from(Arc::new(config.expect("a usable certificate")));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Whoever does not trust it leaves in the middle.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = [0; 4096];
                while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
                    let _ = stream.write_all(json("{\"from\":\"behind TLS\"}").as_bytes()).await;
                }
            });
        }
    });
    (address, cert.pem())
}

async fn app(db: PgPool, service: SocketAddr, configure: impl FnOnce(Source) -> Source) -> TestApp {
    let app = TestApp::with(db, CloudConfig::default(), configure).await;
    let url = format!("https://localhost:{}/v2.1", service.port());
    app.cloud.admin().set_address("RegionOne", Service::Compute, Some(&url));
    app
}

#[sqlx::test(migrations = "../migrations")]
async fn a_certificate_of_the_configured_authority_is_trusted(db: PgPool) {
    let (service, pem) = service().await;
    let trusting = |source: Source| {
        source.with_named_file("/etc/ca.pem", &pem).with_env("UPSTREAM_CA_FILE", "/etc/ca.pem")
    };
    let app = app(db, service, trusting).await;
    let answer = Asking::new(&app, "alice", "alpha").get("compute", "servers").await;
    answer.assert_status(StatusCode::OK);
    assert_eq!(answer.text(), "{\"from\":\"behind TLS\"}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_certificate_of_nobody_known_is_an_error_and_nothing_is_sent(db: PgPool) {
    let (service, _) = service().await;
    let app = app(db, service, |source| source).await;
    let answer = Asking::new(&app, "alice", "alpha").get("compute", "servers").await;
    answer.assert_error(StatusCode::SERVICE_UNAVAILABLE, "upstream_unreachable");
}

#[sqlx::test(migrations = "../migrations")]
async fn where_certificates_are_not_looked_at_any_will_do(db: PgPool) {
    let (service, _) = service().await;
    let app = app(db, service, |source| source.with_env("UPSTREAM_INSECURE", "true")).await;
    let answer = Asking::new(&app, "alice", "alpha").get("compute", "servers").await;
    answer.assert_status(StatusCode::OK);
}
