//! Which texts may become label values: those that Kubernetes and the runtimes give out.

/// Most characters of a DNS label (RFC 1123): a namespace, a container.
const LONGEST_LABEL: usize = 63;
/// Most characters of a DNS name: a pod.
const LONGEST_NAME: usize = 253;
/// Linux' limit of a host name.
const LONGEST_HOST: usize = 64;
/// Digits of a container's ID: SHA-256.
const ID_DIGITS: usize = 64;
/// Digits of a static pod's UID: the MD5 of its manifest.
const HASH_DIGITS: usize = 32;
/// Lengths of the groups of a UUID.
const UUID_GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// Whether this is a name of a namespace or a container.
pub(super) fn is_label(text: &str) -> bool {
    text.len() <= LONGEST_LABEL && is_part(text)
}

/// Whether this is a name of a pod: parts with dots between them.
pub(super) fn is_pod(text: &str) -> bool {
    text.len() <= LONGEST_NAME && text.split('.').all(is_part)
}

fn is_part(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(allowed) && !text.starts_with('-') && !text.ends_with('-')
}

/// Whether this is a UID that the API server gave, or the hash of a static pod's manifest.
pub(super) fn is_pod_uid(text: &str) -> bool {
    is_hex(text, HASH_DIGITS) || is_uuid(text)
}

/// Whether this is the whole ID of a container, or of a podman pod.
pub(super) fn is_id(text: &str) -> bool {
    is_hex(text, ID_DIGITS)
}

/// The host name of a container, which runtimes put into the environment of its processes: `/proc/PID/environ`.
pub(crate) fn host_name(environ: &[u8]) -> Option<String> {
    let value = environ.split(|&byte| byte == 0).find_map(|pair| pair.strip_prefix(b"HOSTNAME="))?;
    let text = str::from_utf8(value).ok()?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_name = !text.is_empty() && text.len() <= LONGEST_HOST && text.bytes().all(allowed);
    is_name.then(|| text.to_owned())
}

fn is_uuid(text: &str) -> bool {
    let groups = text.split('-').collect::<Vec<_>>();
    groups.len() == UUID_GROUPS.len()
        && groups.iter().zip(UUID_GROUPS).all(|(group, digits)| is_hex(group, digits))
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
