//! `tls_server_config`: from its fields to what rustls serves with.

mod any_client;
mod session;

pub(crate) use session::Session;

use super::{
    error::ConfigError,
    files::Files,
    yaml::{Field, Section},
};
use any_client::AnyClient;
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, SupportedCipherSuite, SupportedProtocolVersion,
    crypto::{CryptoProvider, SupportedKxGroup, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{NoClientAuth, WebPkiClientVerifier, danger::ClientCertVerifier},
    version::{TLS12, TLS13},
};
use std::{fmt::Display, path::Path, sync::Arc};

/// What the section says, with the contents of its files.
struct Settings {
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    clients: Arc<dyn ClientCertVerifier>,
    versions: Vec<&'static SupportedProtocolVersion>,
    provider: Arc<CryptoProvider>,
    prefers_own_order: bool,
}

/// How clients are served under TLS.
#[derive(Debug)]
pub(crate) struct Tls(Arc<ServerConfig>);

impl Tls {
    /// Reads the section. File names are relative to `folder`.
    pub(super) fn read(
        mut section: Section<'_>,
        folder: &Path,
        files: &mut Files,
    ) -> Result<Self, ConfigError> {
        let certificates =
            pem(&mut section, ["cert", "cert_file"], folder, files)?.ok_or_else(|| missing("cert_file"))?;
        let key =
            pem(&mut section, ["key", "key_file"], folder, files)?.ok_or_else(|| missing("key_file"))?;
        let provider = Arc::new(provider(&mut section)?);
        let settings = Settings {
            certificates: certificates_of(&certificates, "the certificate")?,
            key: PrivateKeyDer::from_pem_slice(&key).map_err(|error| tls("the key", error))?,
            clients: clients(&mut section, folder, files, &provider)?,
            versions: versions(&mut section)?,
            provider,
            prefers_own_order: section.switch("prefer_server_cipher_suites")?.unwrap_or(true),
        };
        section.end()?;
        Ok(Self(Arc::new(build(settings)?)))
    }

    /// Begins a client's session.
    pub(crate) fn begin(&self) -> Result<Session, rustls::Error> {
        ServerConnection::new(Arc::clone(&self.0)).map(Session::new)
    }
}

fn build(settings: Settings) -> Result<ServerConfig, ConfigError> {
    let builder = ServerConfig::builder_with_provider(settings.provider)
        .with_protocol_versions(&settings.versions)
        .map_err(|error| tls("the versions and cipher suites", error))?
        .with_client_cert_verifier(settings.clients);
    let mut config = builder
        .with_single_cert(settings.certificates, settings.key)
        .map_err(|error| tls("the certificate and the key", error))?;
    config.ignore_client_order = settings.prefers_own_order;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn tls(what: &str, error: impl Display) -> ConfigError {
    ConfigError::Tls(format!("{what}: {error}"))
}

fn missing(field: &str) -> ConfigError {
    ConfigError::Tls(format!("{field} is missing"))
}

/// The content of a field that holds PEM itself, or of the file that another field names.
fn pem(
    section: &mut Section<'_>,
    [inline, file]: [&'static str; 2],
    folder: &Path,
    files: &mut Files,
) -> Result<Option<Vec<u8>>, ConfigError> {
    match (section.text(inline)?, section.text(file)?) {
        (Some(_), Some(_)) => Err(ConfigError::Tls(format!("give {inline} or {file}, not both"))),
        (Some(text), None) => Ok(Some(text.into_bytes())),
        (None, Some(name)) => files.read(&folder.join(name)).map(Some),
        (None, None) => Ok(None),
    }
}

fn certificates_of(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all.map_err(|error| tls(what, error))? {
        none if none.is_empty() => Err(tls(what, "no PEM certificate is in it")),
        certificates => Ok(certificates),
    }
}

/// Which certificates clients must show.
fn clients(
    section: &mut Section<'_>,
    folder: &Path,
    files: &mut Files,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, ConfigError> {
    if let Some(field) = section.take("client_allowed_sans") {
        return Err(field
            .wrong("not supported here; let client_ca_file be an authority of the allowed clients alone"));
    }
    let authority = pem(section, ["client_ca", "client_ca_file"], folder, files)?;
    let Some(field) = section.take("client_auth_type") else {
        return match authority {
            None => Ok(Arc::new(NoClientAuth)),
            Some(_) => Err(ConfigError::Tls("client_ca_file has no effect without client_auth_type".into())),
        };
    };
    let wrong = field.wrong(
        "write NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert",
    );
    let kind = field.text()?;
    match (kind.as_str(), authority) {
        ("VerifyClientCertIfGiven", Some(pem)) => verified(&pem, provider, false),
        ("RequireAndVerifyClientCert", Some(pem)) => verified(&pem, provider, true),
        ("VerifyClientCertIfGiven" | "RequireAndVerifyClientCert", None) => Err(missing("client_ca_file")),
        ("NoClientCert" | "RequestClientCert" | "RequireAnyClientCert", Some(_)) => {
            Err(ConfigError::Tls(format!("client_ca_file has no effect with client_auth_type {kind}")))
        }
        ("NoClientCert" | "", None) => Ok(Arc::new(NoClientAuth)),
        ("RequestClientCert", None) => Ok(Arc::new(AnyClient::new(provider, false))),
        ("RequireAnyClientCert", None) => Ok(Arc::new(AnyClient::new(provider, true))),
        _ => Err(wrong),
    }
}

/// Certificates of an authority.
fn verified(
    pem: &[u8],
    provider: &Arc<CryptoProvider>,
    is_required: bool,
) -> Result<Arc<dyn ClientCertVerifier>, ConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates_of(pem, "client_ca_file")? {
        roots.add(certificate).map_err(|error| tls("client_ca_file", error))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = if is_required { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|error| tls("client_ca_file", error))
}

/// From `min_version` to `max_version`; older ones than 1.2 are broken, and rustls has none.
fn versions(section: &mut Section<'_>) -> Result<Vec<&'static SupportedProtocolVersion>, ConfigError> {
    let mut version = |name: &'static str| -> Result<Option<u8>, ConfigError> {
        let Some(field) = section.take(name) else { return Ok(None) };
        let wrong = field.wrong("write TLS12 or TLS13; older versions are not safe, and not spoken here");
        match field.text()?.as_str() {
            "TLS12" => Ok(Some(12)),
            "TLS13" => Ok(Some(13)),
            _ => Err(wrong),
        }
    };
    let (least, most) = (version("min_version")?.unwrap_or(12), version("max_version")?.unwrap_or(13));
    let all = [(12, &TLS12), (13, &TLS13)];
    let versions: Vec<_> =
        all.iter().filter(|(each, _)| (least..=most).contains(each)).map(|each| each.1).collect();
    if versions.is_empty() {
        return Err(ConfigError::Tls("min_version is above max_version".into()));
    }
    Ok(versions)
}

/// Cipher suites and curves, by the names that Go has for them. As there, the list speaks of TLS 1.2:
/// those of 1.3 are all good, and always on.
fn provider(section: &mut Section<'_>) -> Result<CryptoProvider, ConfigError> {
    let mut provider = ring::default_provider();
    if let Some(field) = section.take("cipher_suites") {
        let suite_of =
            |name: &str| provider.cipher_suites.iter().find(|suite| suite_name(suite) == name).copied();
        let named = chosen(field, &suite_names(&provider), suite_of)?;
        let modern =
            provider.cipher_suites.iter().filter(|suite| suite.tls13().is_some() && !named.contains(suite));
        provider.cipher_suites = named.iter().chain(modern).copied().collect();
    }
    if let Some(field) = section.take("curve_preferences") {
        let groups = provider.kx_groups.clone();
        let names: Vec<_> = groups.iter().map(|group| curve_name(*group)).collect();
        let group_of = |name: &str| groups.iter().find(|group| curve_name(**group) == name).copied();
        provider.kx_groups = chosen(field, &names, group_of)?;
    }
    Ok(provider)
}

/// What a list of names stands for, in its order.
fn chosen<T>(
    field: Field<'_>,
    known: &[String],
    find: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, ConfigError> {
    let wrong = field.wrong(format!("write a list of {}", known.join(", ")));
    let names = field.texts()?;
    let all: Option<Vec<_>> = names.iter().map(|name| find(name)).collect();
    all.filter(|all| !all.is_empty()).ok_or(wrong)
}

fn suite_names(provider: &CryptoProvider) -> Vec<String> {
    provider.cipher_suites.iter().map(suite_name).collect()
}

/// Go writes `TLS_` for rustls's `TLS13_`.
fn suite_name(suite: &SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite()).replace("TLS13_", "TLS_")
}

fn curve_name(group: &dyn SupportedKxGroup) -> String {
    format!("{:?}", group.name()).replace("secp256r1", "CurveP256").replace("secp384r1", "CurveP384")
}
