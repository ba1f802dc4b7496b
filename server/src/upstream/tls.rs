//! Which certificates of a service are trusted.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{self, CryptoProvider, WebPkiSupportedAlgorithms},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::config::TlsConfig;

/// The configured certificates are of no use.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTls {
    #[error("the certificates of the authority are no PEM")]
    Pem(#[from] rustls::pki_types::pem::Error),
    #[error("there is no certificate among them")]
    NoCertificate,
    #[error("TLS cannot be set up")]
    Tls(#[from] Error),
}

/// Trusts what the machine trusts, and the authority that is configured; or everybody, where that is.
pub fn client_config(config: &TlsConfig) -> Result<ClientConfig, InvalidTls> {
    let provider = Arc::new(crypto::ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = if config.is_insecure {
        Arc::new(AnyCertificate(provider.signature_verification_algorithms))
    } else {
        let pem = config.ca_pem.as_deref().unwrap_or_default();
        let authorities = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>()?;
        if config.ca_pem.is_some() && authorities.is_empty() {
            return Err(InvalidTls::NoCertificate);
        }
        Arc::new(Verifier::new_with_extra_roots(authorities, provider.clone())?)
    };
    Ok(builder(provider)?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

fn builder(
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, Error> {
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

/// For clouds whose operator said that certificates are not to be looked at.
#[derive(Debug)]
struct AnyCertificate(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
