//! Comparing passwords: slow by design, so on a thread of its own, and each right one only once.
//!
//! Comparisons take turns by address, as requests do: a host that tries many wrong passwords holds up no other.

use super::{peer::Peer, request_head::Head, turns::Turns};
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

/// Comparisons that may wait; each takes some 50 ms with a hash of cost 10. Where there is no room for one more, the
/// address that waits for the most gives one up.
const MOST_WAITING: usize = 64;
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
    /// The address waits for too many others.
    Busy,
}

pub(super) struct Passwords {
    key: Key,
    /// The newest last.
    right: VecDeque<Tag>,
    /// The requests that wait for each comparison.
    pending: HashMap<Tag, Vec<(usize, Head)>>,
    /// The comparisons that have not begun.
    waiting: Turns<Job>,
    /// Clients whose comparison was given up for another address.
    displaced: Vec<usize>,
    is_comparing: bool,
    jobs: Sender<Job>,
}

impl Passwords {
    /// Starts the thread. `report` is called with each comparison's outcome.
    pub(super) fn start(report: impl Fn(Tag, bool) + Send + 'static) -> io::Result<Self> {
        let (jobs, inbox) = channel();
        thread::Builder::new().name("passwords".into()).spawn(move || compare(&inbox, report))?;
        let failed = |_| io::Error::other("the system has no random numbers");
        Ok(Self {
            key: Key::generate(HMAC_SHA256, &SystemRandom::new()).map_err(failed)?,
            right: VecDeque::new(),
            pending: HashMap::new(),
            waiting: Turns::new(),
            displaced: Vec::new(),
            is_comparing: false,
            jobs,
        })
    }

    /// Judges a request of a peer by its `Authorization`.
    pub(super) fn judge(&mut self, users: &Users, peer: Peer, client: usize, head: Head) -> Judgement {
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
        if self.waiting.len() >= MOST_WAITING && !self.make_room(peer) {
            return Judgement::Busy;
        }
        self.waiting.push(peer, Job { tag, password: credentials.password, hash: hash.into() });
        self.pending.insert(tag, vec![(client, head)]);
        self.begin();
        Judgement::Pending
    }

    /// Gives up a comparison of an address that waits for more than `peer`; whether there is one.
    fn make_room(&mut self, peer: Peer) -> bool {
        let Some(job) = self.waiting.displace(peer) else { return false };
        let clients = self.pending.remove(&job.tag).unwrap_or_default();
        self.displaced.extend(clients.into_iter().map(|(client, _)| client));
        true
    }

    /// Begins the next comparison if none is going on.
    fn begin(&mut self) {
        if !self.is_comparing
            && let Some(job) = self.waiting.pop(|_| true)
        {
            // The thread ends with this sender, not before.
            self.is_comparing = self.jobs.send(job).is_ok();
        }
    }

    /// The clients whose comparison was given up since the last call.
    pub(super) fn take_displaced(&mut self) -> Vec<usize> {
        mem::take(&mut self.displaced)
    }

    /// Takes a comparison's outcome, and gives the requests that waited for it.
    pub(super) fn settle(&mut self, tag: Tag, is_right: bool) -> Vec<(usize, Head)> {
        self.is_comparing = false;
        self.begin();
        if is_right {
            if self.right.len() >= MOST_REMEMBERED {
                self.right.pop_front();
            }
            self.right.push_back(tag);
        }
        self.pending.remove(&tag).unwrap_or_default()
    }

    /// Forgets a client that has gone, and what would be compared for it alone.
    pub(super) fn forget(&mut self, client: usize) {
        self.pending.retain(|_, waiting| {
            waiting.retain(|(each, _)| *each != client);
            !waiting.is_empty()
        });
        self.waiting.retain(|job| self.pending.contains_key(&job.tag));
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
    use std::{net::SocketAddr, time::Duration};

    const WATCHDOG: Duration = Duration::from_secs(60);

    fn head(authorization: &str) -> Head {
        let authorization = Some(authorization.as_bytes().to_vec());
        Head { without_body: false, keeps_alive: true, authorization, lines: Vec::new() }
    }

    fn basic(credentials: &str) -> Head {
        let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, credentials);
        head(&format!("Basic {encoded}"))
    }

    fn peer(number: u8) -> Peer {
        SocketAddr::from(([192, 0, 2, number], 1)).into()
    }

    fn started() -> (Passwords, Receiver<(Tag, bool)>) {
        let (sender, outcomes) = channel();
        let report = move |tag, is_right| sender.send((tag, is_right)).unwrap_or_default();
        (Passwords::start(report).expect("a thread"), outcomes)
    }

    /// Who gets an outcome next, and which.
    fn next(passwords: &mut Passwords, outcomes: &Receiver<(Tag, bool)>) -> (Vec<usize>, bool) {
        let (tag, is_right) = outcomes.recv_timeout(WATCHDOG).expect("an outcome");
        let clients = passwords.settle(tag, is_right).into_iter().map(|(client, _)| client);
        (clients.collect(), is_right)
    }

    #[test]
    fn each_right_password_is_compared_once() {
        let (mut passwords, outcomes) = started();
        let users = users_of(&[("a", "b")]);
        let right = || basic("a:b");
        for client in 0..3 {
            assert_eq!(passwords.judge(&users, peer(1), client, right()), Judgement::Pending);
        }
        passwords.forget(1);
        assert_eq!(next(&mut passwords, &outcomes), (vec![0, 2], true));
        assert_eq!(passwords.judge(&users, peer(1), 3, right()), Judgement::Right(right()));
        let other = users_of(&[("a", "c")]);
        assert_eq!(passwords.judge(&other, peer(1), 4, right()), Judgement::Pending, "another hash");
        assert!(!next(&mut passwords, &outcomes).1, "only one was compared before");
    }

    #[test]
    fn wrong_ones_are_refused_and_a_flood_is_bounded() {
        let (mut passwords, outcomes) = started();
        let users = users_of(&[("a", "b")]);
        assert_eq!(passwords.judge(&users, peer(1), 0, head("Bearer x")), Judgement::Wrong);
        let judgements = (0..10 * MOST_WAITING)
            .map(|number| passwords.judge(&users, peer(1), number, basic(&format!("a:{number}"))));
        let busy = judgements.filter(|judgement| *judgement == Judgement::Busy).count();
        assert_eq!(busy, 9 * MOST_WAITING - 1, "one is being compared");
        assert_eq!(next(&mut passwords, &outcomes), (vec![0], false));
    }

    #[test]
    fn a_right_password_waits_for_its_own_address_only() {
        let (mut passwords, outcomes) = started();
        let users = users_of(&[("a", "b")]);
        for number in 0..10 * MOST_WAITING {
            passwords.judge(&users, peer(1), number, basic(&format!("a:{number}")));
        }
        assert_eq!(passwords.judge(&users, peer(2), 9999, basic("a:b")), Judgement::Pending);
        assert_eq!(passwords.take_displaced(), [MOST_WAITING], "the last one that waited made room");
        assert_eq!(next(&mut passwords, &outcomes), (vec![0], false), "it had begun");
        let (first, second) = (next(&mut passwords, &outcomes), next(&mut passwords, &outcomes));
        assert!(
            [first, second].contains(&(vec![9999], true)),
            "one of the other address is before it at most"
        );
    }

    #[test]
    fn nothing_is_compared_for_those_who_have_gone() {
        let (mut passwords, outcomes) = started();
        let users = users_of(&[("a", "b")]);
        for number in 0..20 {
            passwords.judge(&users, peer(1), number, basic(&format!("a:{number}")));
        }
        (0..19).for_each(|client| passwords.forget(client));
        assert_eq!(next(&mut passwords, &outcomes), (vec![], false), "it had begun");
        assert_eq!(next(&mut passwords, &outcomes), (vec![19], false));
    }
}
