//! `tls_server_config`: from its fields to the configuration of rustls.

mod any_client;
mod key;
mod named_client;
mod names;
mod session;

pub(crate) use session::Session;

use super::{
    error::ConfigError,
    files::Files,
    yaml::{Field, Section},
};
use any_client::AnyClient;
use named_client::NamedClient;
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, SupportedCipherSuite, SupportedProtocolVersion,
    crypto::{CryptoProvider, SupportedKxGroup, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{NoClientAuth, WebPkiClientVerifier, danger::ClientCertVerifier},
    version::{TLS12, TLS13},
};
use std::{fmt::Display, path::Path, sync::Arc};

/// The section's values, with the contents of its files.
struct TlsSettings {
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// The names of certificate and key for messages.
    pair: String,
    clients: Arc<dyn ClientCertVerifier>,
    versions: Vec<&'static SupportedProtocolVersion>,
    provider: Arc<CryptoProvider>,
    prefers_own_order: bool,
}

/// The TLS configuration for accepted connections.
#[derive(Debug)]
pub(crate) struct Tls(Arc<ServerConfig>);

impl Tls {
    /// Reads the section. File names are relative to `folder`.
    pub(super) fn read(
        mut section: Section<'_>,
        folder: &Path,
        files: &mut Files,
        notes: &mut Vec<String>,
    ) -> Result<Self, ConfigError> {
        let certificates =
            pem(&mut section, ["cert", "cert_file"], folder, files)?.ok_or_else(|| missing("cert_file"))?;
        let key =
            pem(&mut section, ["key", "key_file"], folder, files)?.ok_or_else(|| missing("key_file"))?;
        let provider = Arc::new(provider(&mut section, notes)?);
        let settings = TlsSettings {
            certificates: certificates_of(&certificates)?,
            key: key::read(&key)?,
            pair: format!("{} and {}", certificates.name, key.name),
            clients: clients(&mut section, folder, files, &provider, notes)?,
            versions: versions(&mut section, notes)?,
            provider,
            prefers_own_order: section.switch("prefer_server_cipher_suites")?.unwrap_or(true),
        };
        section.end()?;
        Ok(Self(Arc::new(build(settings)?)))
    }

    /// Starts the session of a client.
    pub(crate) fn begin(&self) -> Result<Session, rustls::Error> {
        ServerConnection::new(Arc::clone(&self.0)).map(Session::new)
    }
}

fn build(settings: TlsSettings) -> Result<ServerConfig, ConfigError> {
    let builder = ServerConfig::builder_with_provider(settings.provider)
        .with_protocol_versions(&settings.versions)
        .map_err(|error| tls("the versions and cipher suites", error))?
        .with_client_cert_verifier(settings.clients);
    let mut config = builder
        .with_single_cert(settings.certificates, settings.key)
        .map_err(|error| tls(&settings.pair, error))?;
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

/// PEM and its name for messages: the file, or the field that holds it.
struct Pem {
    name: String,
    text: Vec<u8>,
}

/// The content of the field `inline`, or of the file that the field `file` names.
fn pem(
    section: &mut Section<'_>,
    [inline, file]: [&'static str; 2],
    folder: &Path,
    files: &mut Files,
) -> Result<Option<Pem>, ConfigError> {
    match (section.text(inline)?, section.text(file)?) {
        (Some(_), Some(_)) => Err(ConfigError::Tls(format!("give {inline} or {file}, not both"))),
        (Some(text), None) => Ok(Some(Pem { name: inline.into(), text: text.into_bytes() })),
        (None, Some(name)) => {
            let path = folder.join(name);
            let text = files.read(&path)?;
            Ok(Some(Pem { name: path.display().to_string(), text }))
        }
        (None, None) => Ok(None),
    }
}

fn certificates_of(pem: &Pem) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem.text).collect();
    match all.map_err(|error| tls(&pem.name, error))? {
        none if none.is_empty() => Err(tls(&pem.name, "no PEM certificate is in it")),
        certificates => Ok(certificates),
    }
}

/// The verifier of client certificates.
fn clients(
    section: &mut Section<'_>,
    folder: &Path,
    files: &mut Files,
    provider: &Arc<CryptoProvider>,
    notes: &mut Vec<String>,
) -> Result<Arc<dyn ClientCertVerifier>, ConfigError> {
    let names = section.take("client_allowed_sans").map(Field::texts).transpose()?.unwrap_or_default();
    let authority = pem(section, ["client_ca", "client_ca_file"], folder, files)?;
    let kind = section.take("client_auth_type");
    let invalid = kind.as_ref().map(|field| {
        field.invalid(
            "write NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert",
        )
    });
    let kind = kind.map_or(Ok(String::new()), Field::text)?;
    if authority.is_some()
        && matches!(kind.as_str(), "RequestClientCert" | "RequireClientCert" | "RequireAnyClientCert")
    {
        notes.push(format!(
            "client_ca_file has no effect with client_auth_type {kind}: any certificate is taken"
        ));
    }
    let clients: Arc<dyn ClientCertVerifier> = match (kind.as_str(), authority) {
        ("VerifyClientCertIfGiven", Some(pem)) => verified(&pem, provider, false)?,
        ("RequireAndVerifyClientCert", Some(pem)) => verified(&pem, provider, true)?,
        ("VerifyClientCertIfGiven" | "RequireAndVerifyClientCert", None) => {
            return Err(missing("client_ca_file"));
        }
        ("", Some(_)) => {
            return Err(ConfigError::Tls("client_ca_file has no effect without client_auth_type".into()));
        }
        ("NoClientCert", Some(_)) => {
            return Err(ConfigError::Tls(format!(
                "client_ca_file has no effect with client_auth_type {kind}"
            )));
        }
        ("NoClientCert" | "", None) => Arc::new(NoClientAuth),
        ("RequestClientCert", _) => Arc::new(AnyClient::new(provider, false)),
        ("RequireAnyClientCert" | "RequireClientCert", _) => Arc::new(AnyClient::new(provider, true)),
        _ => return Err(invalid.unwrap_or_else(|| missing("client_auth_type"))),
    };
    match names {
        none if none.is_empty() => Ok(clients),
        names if clients.client_auth_mandatory() => Ok(Arc::new(NamedClient::new(clients, names))),
        _ => Err(ConfigError::Tls(
            "client_allowed_sans needs client_auth_type RequireAndVerifyClientCert or RequireAnyClientCert:              with others a client without a certificate is let in"
                .into(),
        )),
    }
}

/// A verifier for certificates of an authority.
fn verified(
    pem: &Pem,
    provider: &Arc<CryptoProvider>,
    is_required: bool,
) -> Result<Arc<dyn ClientCertVerifier>, ConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates_of(pem)? {
        roots.add(certificate).map_err(|error| tls(&pem.name, error))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = if is_required { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|error| tls(&pem.name, error))
}

/// The versions from `min_version` to `max_version`. Versions before 1.2 are broken, and rustls does not have them.
fn versions(
    section: &mut Section<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<&'static SupportedProtocolVersion>, ConfigError> {
    let mut version = |name: &'static str| -> Result<Option<u8>, ConfigError> {
        let Some(field) = section.take(name) else { return Ok(None) };
        let invalid = field.invalid("write TLS12 or TLS13; older versions are not safe, and not spoken here");
        match (field.text()?.as_str(), name) {
            ("", _) => Ok(None),
            ("TLS12", _) => Ok(Some(12)),
            ("TLS13", _) => Ok(Some(13)),
            (old @ ("TLS10" | "TLS11"), "min_version") => {
                notes.push(format!("min_version {old} is taken for TLS12: older versions are not safe"));
                Ok(Some(12))
            }
            _ => Err(invalid),
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

/// Cipher suites that Go has and rustls does not: without forward secrecy, or with CBC.
const OLD_SUITES: [&str; 8] = [
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
];
const OLD_CURVES: [&str; 1] = ["CurveP521"];

/// Cipher suites and curves by Go's names. As in Go, the list configures TLS 1.2 only: all suites of TLS 1.3 are
/// secure and always enabled.
fn provider(section: &mut Section<'_>, notes: &mut Vec<String>) -> Result<CryptoProvider, ConfigError> {
    let mut provider = ring::default_provider();
    if let Some(field) = section.take("cipher_suites") {
        let suite_of =
            |name: &str| provider.cipher_suites.iter().find(|suite| suite_name(suite) == name).copied();
        let named = chosen(field, (&suite_names(&provider), &OLD_SUITES), suite_of, notes)?;
        let modern =
            provider.cipher_suites.iter().filter(|suite| suite.tls13().is_some() && !named.contains(suite));
        if !named.is_empty() {
            provider.cipher_suites = named.iter().chain(modern).copied().collect();
        }
    }
    if let Some(field) = section.take("curve_preferences") {
        let groups = provider.kx_groups.clone();
        let names: Vec<_> = groups.iter().map(|group| curve_name(*group)).collect();
        let group_of = |name: &str| groups.iter().find(|group| curve_name(**group) == name).copied();
        let preferred = chosen(field, (&names, &OLD_CURVES), group_of, notes)?;
        if !preferred.is_empty() {
            provider.kx_groups = preferred;
        }
    }
    Ok(provider)
}

/// The values for a list of names, in its order; none for an empty list. Names in `old` are allowed besides known
/// ones, and have no effect.
fn chosen<T>(
    field: Field<'_>,
    (known, old): (&[String], &[&str]),
    find: impl Fn(&str) -> Option<T>,
    notes: &mut Vec<String>,
) -> Result<Vec<T>, ConfigError> {
    let invalid = field.invalid(format!("write a list of {}", known.join(", ")));
    let label = field.name().to_string();
    let (without, names): (Vec<_>, Vec<_>) =
        field.texts()?.into_iter().partition(|name| old.contains(&name.as_str()));
    let all: Option<Vec<_>> = names.iter().map(|name| find(name)).collect();
    match all {
        Some(all) if without.is_empty() || !all.is_empty() => {
            notes.extend(without.iter().map(|name| format!("{label}: {name} is not spoken here")));
            Ok(all)
        }
        _ => Err(invalid),
    }
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
