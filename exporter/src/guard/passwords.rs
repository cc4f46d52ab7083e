//! Comparing passwords: slow by design, so on a thread of its own, and each right one only once.

use super::head::Head;
use crate::web_config::{Credentials, Users};
use ring::{
    hmac::{Context, HMAC_SHA256, Key},
    rand::SystemRandom,
};
use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
};

/// Comparisons that may wait; each takes some 50 ms with a hash of cost 10.
const MOST_WAITING: usize = 32;
/// More users than any scraper's.
const MOST_REMEMBERED: usize = 64;

/// A user, a hash and a password, behind a keyed hash: the password itself is not kept.
pub(super) type Tag = [u8; 32];

struct Job {
    tag: Tag,
    password: Vec<u8>,
    hash: String,
}

/// What is known about a request's password.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Right(Head),
    Wrong,
    /// It is being compared; [`Passwords::settle`] gives the request back.
    Pending,
    /// Too many others are.
    Busy,
}

pub(super) struct Passwords {
    key: Key,
    /// The newest last.
    right: VecDeque<Tag>,
    /// The requests that wait for each comparison.
    pending: HashMap<Tag, Vec<(usize, Head)>>,
    jobs: SyncSender<Job>,
}

impl Passwords {
    /// Starts the thread. `report` is called with each comparison's outcome.
    pub(super) fn start(report: impl Fn(Tag, bool) + Send + 'static) -> io::Result<Self> {
        let (jobs, inbox) = sync_channel(MOST_WAITING);
        thread::Builder::new().name("passwords".into()).spawn(move || compare(&inbox, report))?;
        let failed = |_| io::Error::other("the system has no random numbers");
        let key = Key::generate(HMAC_SHA256, &SystemRandom::new()).map_err(failed)?;
        Ok(Self { key, right: VecDeque::new(), pending: HashMap::new(), jobs })
    }

    /// Judges a request by its `Authorization`.
    pub(super) fn judge(&mut self, users: &Users, client: usize, head: Head) -> Judgement {
        let Some(credentials) = head.authorization.as_deref().and_then(Credentials::read) else {
            return Judgement::Wrong;
        };
        let hash = users.hash(&credentials.user);
        let tag = self.tag(&credentials, hash);
        if self.right.contains(&tag) {
            return Judgement::Right(head);
        }
        if let Some(waiting) = self.pending.get_mut(&tag) {
            waiting.push((client, head));
            return Judgement::Pending;
        }
        match self.jobs.try_send(Job { tag, password: credentials.password, hash: hash.into() }) {
            Ok(()) => {
                self.pending.insert(tag, vec![(client, head)]);
                Judgement::Pending
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Judgement::Busy,
        }
    }

    /// Takes a comparison's outcome, and gives the requests that waited for it.
    pub(super) fn settle(&mut self, tag: Tag, is_right: bool) -> Vec<(usize, Head)> {
        if is_right {
            if self.right.len() >= MOST_REMEMBERED {
                self.right.pop_front();
            }
            self.right.push_back(tag);
        }
        self.pending.remove(&tag).unwrap_or_default()
    }

    /// Forgets a client that has gone.
    pub(super) fn forget(&mut self, client: usize) {
        for waiting in self.pending.values_mut() {
            waiting.retain(|(each, _)| *each != client);
        }
    }

    /// Other users, another hash or another process: another tag.
    fn tag(&self, credentials: &Credentials, hash: &str) -> Tag {
        let mut context = Context::with_key(&self.key);
        context.update(&credentials.user.len().to_le_bytes());
        context.update(credentials.user.as_bytes());
        context.update(hash.as_bytes()); // always 60 bytes
        context.update(&credentials.password);
        let mut tag = Tag::default();
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }
}

/// The thread: until the guard has ended.
fn compare(jobs: &Receiver<Job>, report: impl Fn(Tag, bool)) {
    for Job { tag, password, hash } in jobs {
        // The hashes were read before; one that cannot be compared is nobody's.
        report(tag, bcrypt::verify(password, &hash).unwrap_or(false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web_config::users_of;
    use std::{sync::mpsc::channel, time::Duration};

    const WATCHDOG: Duration = Duration::from_secs(60);

    fn head(authorization: &str) -> Head {
        let authorization = Some(authorization.as_bytes().to_vec());
        Head { without_body: false, keeps_alive: true, authorization, lines: Vec::new() }
    }

    #[test]
    fn each_right_password_is_compared_once() {
        let (sender, outcomes) = channel();
        let report = move |tag, is_right| sender.send((tag, is_right)).unwrap_or_default();
        let mut passwords = Passwords::start(report).expect("a thread");
        let users = users_of(&[("a", "b")]);
        let right = || head("Basic YTpi");
        for client in 0..3 {
            assert_eq!(passwords.judge(&users, client, right()), Judgement::Pending);
        }
        passwords.forget(1);
        let (tag, is_right) = outcomes.recv_timeout(WATCHDOG).expect("an outcome");
        assert!(is_right);
        let clients: Vec<_> = passwords.settle(tag, is_right).into_iter().map(|(client, _)| client).collect();
        assert_eq!(clients, [0, 2]);
        assert_eq!(passwords.judge(&users, 3, right()), Judgement::Right(right()));
        assert_eq!(passwords.judge(&users_of(&[("a", "c")]), 4, right()), Judgement::Pending, "another hash");
        assert!(!outcomes.recv_timeout(WATCHDOG).expect("an outcome").1, "only one was compared before");
    }

    #[test]
    fn wrong_ones_are_refused_and_a_flood_is_bounded() {
        let (sender, outcomes) = channel();
        let report = move |tag, is_right| sender.send((tag, is_right)).unwrap_or_default();
        let mut passwords = Passwords::start(report).expect("a thread");
        let users = users_of(&[("a", "b")]);
        assert_eq!(passwords.judge(&users, 0, head("Bearer x")), Judgement::Wrong);
        let mut flood = (0..10 * MOST_WAITING).map(|number| {
            let credentials =
                base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("a:{number}"));
            passwords.judge(&users, number, head(&format!("Basic {credentials}")))
        });
        assert!(flood.any(|judgement| judgement == Judgement::Busy));
        drop(flood);
        let (tag, is_right) = outcomes.recv_timeout(WATCHDOG).expect("an outcome");
        assert!(!is_right);
        assert_eq!(passwords.settle(tag, is_right).len(), 1);
    }
}
