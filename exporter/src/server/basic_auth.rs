//! HTTP basic authentication. Comparing a password is slow by design, so it runs on a thread of its own, and a
//! correct password is compared only once.
//!
//! Comparisons are scheduled round robin by peer, as requests are: a host that tries many wrong passwords delays no
//! other.

use super::{peer::Peer, request_head::RequestHead, round_robin::RoundRobin};
use crate::web_config::{Credentials, Users};
use ring::{
    hmac::{Context, HMAC_SHA256, Key},
    rand::SystemRandom,
};
use std::{
    collections::{HashMap, VecDeque},
    io, mem,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

/// Comparisons that may wait; each takes some 50 ms with a hash of cost 10. When the queue is full, the peer with the
/// most waiting comparisons loses one.
const MOST_WAITING: usize = 64;
/// Correct credentials that are remembered: more than any scraper's users.
const MOST_REMEMBERED: usize = 64;

/// User, hash and password as a keyed hash, so that the password itself is not kept.
pub(super) type CredentialTag = [u8; 32];

struct Comparison {
    tag: CredentialTag,
    password: Vec<u8>,
    hash: String,
}

/// The outcome of checking a request's credentials.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AuthOutcome {
    Accepted(RequestHead),
    Denied,
    /// The comparison is not finished; [`BasicAuth::complete`] returns the request.
    Pending,
    /// Too many comparisons of this peer are waiting.
    Busy,
}

pub(super) struct BasicAuth {
    key: Key,
    /// Correct credentials, the newest last.
    correct: VecDeque<CredentialTag>,
    /// The requests that wait for each comparison.
    pending: HashMap<CredentialTag, Vec<(usize, RequestHead)>>,
    /// The comparisons that have not started.
    waiting: RoundRobin<Comparison>,
    /// Clients whose comparison was evicted for another peer.
    evicted: Vec<usize>,
    is_comparing: bool,
    comparisons: Sender<Comparison>,
}

impl BasicAuth {
    /// Starts the thread. `report` is called with each comparison's result.
    pub(super) fn start(report: impl Fn(CredentialTag, bool) + Send + 'static) -> io::Result<Self> {
        let (comparisons, inbox) = channel();
        thread::Builder::new().name("passwords".into()).spawn(move || compare(&inbox, report))?;
        let failed = |_| io::Error::other("the system has no random numbers");
        Ok(Self {
            key: Key::generate(HMAC_SHA256, &SystemRandom::new()).map_err(failed)?,
            correct: VecDeque::new(),
            pending: HashMap::new(),
            waiting: RoundRobin::new(),
            evicted: Vec::new(),
            is_comparing: false,
            comparisons,
        })
    }

    /// Checks the `Authorization` field of a peer's request.
    pub(super) fn check(
        &mut self,
        users: &Users,
        peer: Peer,
        client: usize,
        head: RequestHead,
    ) -> AuthOutcome {
        let Some(credentials) = head.authorization.as_deref().and_then(Credentials::read) else {
            return AuthOutcome::Denied;
        };
        let hash = users.hash(&credentials.user);
        let tag = self.tag(&credentials, hash);
        if self.correct.contains(&tag) {
            return AuthOutcome::Accepted(head);
        }
        if let Some(waiting) = self.pending.get_mut(&tag) {
            waiting.push((client, head));
            return AuthOutcome::Pending;
        }
        if self.waiting.len() >= MOST_WAITING && !self.evict_comparison(peer) {
            return AuthOutcome::Busy;
        }
        self.waiting.push(peer, Comparison { tag, password: credentials.password, hash: hash.into() });
        self.pending.insert(tag, vec![(client, head)]);
        self.start_next();
        AuthOutcome::Pending
    }

    /// Evicts a comparison of a peer that has more waiting than `peer`; returns whether there is one.
    fn evict_comparison(&mut self, peer: Peer) -> bool {
        let Some(comparison) = self.waiting.evict_longest(peer) else { return false };
        let clients = self.pending.remove(&comparison.tag).unwrap_or_default();
        self.evicted.extend(clients.into_iter().map(|(client, _)| client));
        true
    }

    /// Starts the next comparison if none is running.
    fn start_next(&mut self) {
        if !self.is_comparing
            && let Some(comparison) = self.waiting.pop(|_| true)
        {
            // The thread ends when this sender is dropped, not before.
            self.is_comparing = self.comparisons.send(comparison).is_ok();
        }
    }

    /// The clients whose comparison was evicted since the last call.
    pub(super) fn take_evicted(&mut self) -> Vec<usize> {
        mem::take(&mut self.evicted)
    }

    /// Takes a comparison's result, and returns the requests that waited for it.
    pub(super) fn complete(&mut self, tag: CredentialTag, is_right: bool) -> Vec<(usize, RequestHead)> {
        self.is_comparing = false;
        self.start_next();
        if is_right {
            if self.correct.len() >= MOST_REMEMBERED {
                self.correct.pop_front();
            }
            self.correct.push_back(tag);
        }
        self.pending.remove(&tag).unwrap_or_default()
    }

    /// Drops a disconnected client, and the comparison that only it waits for.
    pub(super) fn cancel(&mut self, client: usize) {
        self.pending.retain(|_, waiting| {
            waiting.retain(|(each, _)| *each != client);
            !waiting.is_empty()
        });
        self.waiting.retain(|comparison| self.pending.contains_key(&comparison.tag));
    }

    /// The tag changes with the user, the hash and the process.
    fn tag(&self, credentials: &Credentials, hash: &str) -> CredentialTag {
        let mut context = Context::with_key(&self.key);
        context.update(&credentials.user.len().to_le_bytes());
        context.update(credentials.user.as_bytes());
        context.update(hash.as_bytes()); // always 60 bytes
        context.update(&credentials.password);
        let mut tag = CredentialTag::default();
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }
}

/// The thread's loop; it ends when [`BasicAuth`] is dropped.
fn compare(comparisons: &Receiver<Comparison>, report: impl Fn(CredentialTag, bool)) {
    for Comparison { tag, password, hash } in comparisons {
        // The hash was parsed when the configuration was read; one that cannot be compared matches no password.
        report(tag, bcrypt::verify(password, &hash).unwrap_or(false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web_config::users_of;
    use std::{net::SocketAddr, time::Duration};

    const WATCHDOG: Duration = Duration::from_secs(60);

    fn head(authorization: &str) -> RequestHead {
        let authorization = Some(authorization.as_bytes().to_vec());
        RequestHead { without_body: false, keeps_alive: true, authorization, lines: Vec::new() }
    }

    fn basic(credentials: &str) -> RequestHead {
        let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, credentials);
        head(&format!("Basic {encoded}"))
    }

    fn peer(number: u8) -> Peer {
        SocketAddr::from(([192, 0, 2, number], 1)).into()
    }

    fn started() -> (BasicAuth, Receiver<(CredentialTag, bool)>) {
        let (sender, outcomes) = channel();
        let report = move |tag, is_right| sender.send((tag, is_right)).unwrap_or_default();
        (BasicAuth::start(report).expect("a thread"), outcomes)
    }

    /// The clients of the next result, and whether their password is right.
    fn next(basic_auth: &mut BasicAuth, outcomes: &Receiver<(CredentialTag, bool)>) -> (Vec<usize>, bool) {
        let (tag, is_right) = outcomes.recv_timeout(WATCHDOG).expect("an outcome");
        let clients = basic_auth.complete(tag, is_right).into_iter().map(|(client, _)| client);
        (clients.collect(), is_right)
    }

    #[test]
    fn each_right_password_is_compared_once() {
        let (mut basic_auth, outcomes) = started();
        let users = users_of(&[("a", "b")]);
        let correct = || basic("a:b");
        for client in 0..3 {
            assert_eq!(basic_auth.check(&users, peer(1), client, correct()), AuthOutcome::Pending);
        }
        basic_auth.cancel(1);
        assert_eq!(next(&mut basic_auth, &outcomes), (vec![0, 2], true));
        assert_eq!(basic_auth.check(&users, peer(1), 3, correct()), AuthOutcome::Accepted(correct()));
        let other = users_of(&[("a", "c")]);
        assert_eq!(basic_auth.check(&other, peer(1), 4, correct()), AuthOutcome::Pending, "another hash");
        assert!(!next(&mut basic_auth, &outcomes).1, "only one was compared before");
    }

    #[test]
    fn wrong_passwords_are_denied_and_waiting_ones_are_limited() {
        let (mut basic_auth, outcomes) = started();
        let users = users_of(&[("a", "b")]);
        assert_eq!(basic_auth.check(&users, peer(1), 0, head("Bearer x")), AuthOutcome::Denied);
        let judgements = (0..10 * MOST_WAITING)
            .map(|number| basic_auth.check(&users, peer(1), number, basic(&format!("a:{number}"))));
        let busy = judgements.filter(|judgement| *judgement == AuthOutcome::Busy).count();
        assert_eq!(busy, 9 * MOST_WAITING - 1, "one is being compared");
        assert_eq!(next(&mut basic_auth, &outcomes), (vec![0], false));
    }

    #[test]
    fn right_password_waits_only_for_comparisons_of_its_peer() {
        let (mut basic_auth, outcomes) = started();
        let users = users_of(&[("a", "b")]);
        for number in 0..10 * MOST_WAITING {
            basic_auth.check(&users, peer(1), number, basic(&format!("a:{number}")));
        }
        assert_eq!(basic_auth.check(&users, peer(2), 9999, basic("a:b")), AuthOutcome::Pending);
        assert_eq!(basic_auth.take_evicted(), [MOST_WAITING], "the last one that waited made room");
        assert_eq!(next(&mut basic_auth, &outcomes), (vec![0], false), "it had begun");
        let (first, second) = (next(&mut basic_auth, &outcomes), next(&mut basic_auth, &outcomes));
        assert!(
            [first, second].contains(&(vec![9999], true)),
            "one of the other address is before it at most"
        );
    }

    #[test]
    fn disconnected_clients_cost_no_comparison() {
        let (mut basic_auth, outcomes) = started();
        let users = users_of(&[("a", "b")]);
        for number in 0..20 {
            basic_auth.check(&users, peer(1), number, basic(&format!("a:{number}")));
        }
        (0..19).for_each(|client| basic_auth.cancel(client));
        assert_eq!(next(&mut basic_auth, &outcomes), (vec![], false), "it had begun");
        assert_eq!(next(&mut basic_auth, &outcomes), (vec![19], false));
    }
}
