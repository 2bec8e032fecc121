//! Sessions: one for each login, and the rule by which refresh tokens take turns.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::client::Grant;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{SessionId, UserId};
use crate::proof::{Authentication, Method, Proof, by_password};

/// How many sessions a user has at most; for one more the one unused longest gives way (OWASP ASVS 5.0, 7.1.2).
pub const MOST: usize = 50;

/// A session as it is stored. It is valid as long as its `epoch` is the user's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Who signed in.
    pub user_id: UserId,
    /// The session's own identifier, `sid` in tokens.
    pub id: SessionId,
    /// The turn of the refresh token that is valid now.
    pub seq: u64,
    /// The user's epoch when the session began.
    pub epoch: u64,
    /// When the present turn began.
    pub rotated_at: Timestamp,
    /// When the user was authenticated and the session began.
    pub created_at: Timestamp,
    /// How the user was authenticated then (RFC 8176).
    #[serde(default = "by_password")]
    pub amr: Vec<Method>,
    /// For which client; not stored for the service's own front ends.
    #[serde(default, skip_serializing_if = "Grant::is_first_party")]
    pub grant: Grant,
    /// When the session was last used, to the minute.
    pub last_used_at: Timestamp,
    /// From which address, as the gateway saw it or a trusted edge said it.
    pub ip: String,
    /// With which program, as it called itself; at most 256 characters.
    pub user_agent: String,
    /// When the session is over: its refresh token ends then, and no access token outlives it. A refresh moves it on, up to the
    /// absolute end that [`Session::within`] sets.
    pub expires_at: Timestamp,
}

/// Where a request came from, as sessions and events remember it.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The source address that the gateway saw, or that a trusted edge said.
    pub ip: String,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// The gateway's name for the request.
    pub request_id: String,
}

impl Origin {
    /// The network that the request comes from.
    #[must_use]
    pub fn network(&self) -> String {
        network(&self.ip)
    }
}

/// Whom a source address stands for: an IPv4 address for itself, also when it is written as an IPv6 one (RFC 4291, 2.5.5.2), an IPv6
/// address for its network of 64 bits (RFC 6177).
fn network(ip: &str) -> String {
    match ip.parse().map(|ip: IpAddr| ip.to_canonical()) {
        Ok(IpAddr::V4(ip)) => ip.to_string(),
        Ok(IpAddr::V6(ip)) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Err(_) => ip.to_owned(),
    }
}

impl Session {
    /// The first turn of a new session, by the service's own front ends, of the user of `proof`; it begins when that was given.
    ///
    /// # Errors
    /// [`Error::Internal`] when the operating system gives no randomness.
    pub fn begin(proof: Proof, origin: Origin, refresh_seconds: i64) -> Result<Self, Error> {
        let Proof { user_id, epoch, authentication: Authentication { at: now, methods } } = proof;
        Ok(Self {
            user_id,
            id: SessionId::new()?,
            seq: 1,
            epoch,
            rotated_at: now,
            created_at: now,
            amr: methods,
            grant: Grant::default(),
            last_used_at: now,
            ip: origin.ip,
            user_agent: origin.user_agent.chars().take(256).collect(),
            expires_at: now.plus(refresh_seconds),
        })
    }

    /// A session that nobody has, for trying keys.
    pub(crate) fn probe(now: Timestamp) -> Self {
        Self {
            user_id: UserId::of("probe"),
            id: SessionId::of("probe"),
            seq: 1,
            epoch: 1,
            rotated_at: now,
            created_at: now,
            amr: by_password(),
            grant: Grant::default(),
            last_used_at: now,
            ip: String::new(),
            user_agent: String::new(),
            expires_at: now.plus(1),
        }
    }

    /// Whether the session makes the network known that `origin` comes from: it was begun there, and is valid for an account in `epoch`.
    #[must_use]
    pub fn knows_network(&self, epoch: u64, origin: &Origin, now: Timestamp) -> bool {
        self.epoch == epoch && !self.is_expired(now) && network(&self.ip) == origin.network()
    }

    /// The session as one that ends `seconds` after its sign-in at the latest, whatever was refreshed (OWASP ASVS 5.0, 7.3.2). The end
    /// follows from the sign-in, so that a lowered setting holds for the sessions that there are.
    #[must_use]
    pub fn within(self, seconds: i64) -> Self {
        Self { expires_at: self.expires_at.min(self.created_at.plus(seconds)), ..self }
    }

    /// When and how the user was authenticated.
    #[must_use]
    pub fn authentication(&self) -> Authentication {
        Authentication { at: self.created_at, methods: self.amr.clone() }
    }

    /// Whether the session is over at `now`.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

/// Which of a user's sessions give way to `new`, so that [`MOST`] are left with it: those that are over first, then the ones unused
/// longest, the older of two. `new` may be among `sessions` and is never one of them.
#[must_use]
pub fn giving_way(new: &Session, sessions: Vec<Session>, now: Timestamp) -> Vec<SessionId> {
    let mut others: Vec<_> = sessions.into_iter().filter(|session| session.id != new.id).collect();
    let too_many = others.len().saturating_sub(MOST - 1);
    others.sort_by_key(|session| {
        // A later epoch began while somebody signed in; `new` is over then, and that one is not.
        let valid = !session.is_expired(now) && session.epoch >= new.epoch;
        (valid, session.last_used_at, session.created_at)
    });
    others.into_iter().take(too_many).map(|session| session.id).collect()
}

/// What a refresh token that does not carry the present turn gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Late {
    /// Its own successor once more: the reply was lost, or two requests came at once.
    SameSuccessor,
    /// Nothing: the session is over or never was.
    Refused,
    /// Nothing, and the session ends: somebody has a copy of the token (RFC 9700, 4.14.2).
    Reused,
}

/// Judges a refresh token with turn `seq` of a user in `epoch` against the session as it stands.
#[must_use]
pub fn judge_late(session: &Session, seq: u64, epoch: u64, now: Timestamp, grace_seconds: i64) -> Late {
    if session.is_expired(now) || session.epoch != epoch || seq > session.seq {
        Late::Refused
    } else if seq + 1 == session.seq && now.since(session.rotated_at) <= grace_seconds {
        Late::SameSuccessor
    } else {
        Late::Reused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(n: i64) -> Session {
        Session { id: SessionId::of(n.to_string()), expires_at: Timestamp(1_000), ..Session::probe(Timestamp(n)) }
    }

    fn gone(sessions: Vec<Session>, now: i64) -> Vec<String> {
        giving_way(&numbered(0), sessions, Timestamp(now)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_session_unused_longest_gives_way_to_the_one_that_is_too_many() {
        let sessions = |count| (0..count).map(numbered).collect::<Vec<_>>();
        assert_eq!(gone(sessions(50), 100), [""; 0], "with the new one, which is the oldest here, they are 50");
        assert_eq!(gone(sessions(52), 100), ["1", "2"]);
        let mut used = sessions(51);
        used[1].last_used_at = Timestamp(90);
        assert_eq!(gone(used, 100), ["2"]);
        let mut alike = sessions(51);
        alike.iter_mut().for_each(|session| session.last_used_at = Timestamp(60));
        assert_eq!(gone(alike, 100), ["1"], "of those used last at one moment the oldest");
    }

    #[test]
    fn sessions_that_are_over_give_way_before_those_that_are_not() {
        let mut sessions: Vec<_> = (1..52).map(numbered).collect();
        sessions[40].expires_at = Timestamp(100);
        sessions[45].epoch = 0;
        assert_eq!(gone(sessions.clone(), 99), ["46", "1"]);
        assert_eq!(gone(sessions.clone(), 100), ["41", "46"]);
        sessions.iter_mut().for_each(|session| session.epoch = 0);
        sessions[50].epoch = 2;
        assert_eq!(gone(sessions, 99), ["1", "2"], "the last one is of an epoch that began meanwhile");
    }

    #[test]
    fn a_session_ends_so_long_after_its_sign_in_whatever_was_refreshed() {
        let session = Session { expires_at: Timestamp(500), ..Session::probe(Timestamp(100)) };
        assert_eq!(session.clone().within(399).expires_at, Timestamp(499));
        assert_eq!(session.within(401).expires_at, Timestamp(500), "it never makes one longer");
    }

    #[test]
    fn an_ipv6_network_is_one_source() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::9"));
        assert_ne!(network("2001:db8:1:2::9"), network("2001:db8:1:3::9"));
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1", "not one network of all that IPv4 has");
    }

    #[test]
    fn a_session_makes_its_own_network_known_in_its_own_epoch_alone() {
        let session = Session {
            epoch: 7,
            ip: "2001:db8:1:2::9".to_owned(),
            expires_at: Timestamp(9),
            ..Session::probe(Timestamp(1))
        };
        let from = |ip: &str| Origin { ip: ip.to_owned(), ..Origin::default() };
        assert!(session.knows_network(7, &from("2001:db8:1:2:3::1"), Timestamp(8)));
        assert!(!session.knows_network(8, &from("2001:db8:1:2::9"), Timestamp(8)));
        assert!(!session.knows_network(7, &from("2001:db8:1:3::9"), Timestamp(8)));
        assert!(!session.knows_network(7, &from("2001:db8:1:2::9"), Timestamp(9)));
    }

    #[test]
    fn a_late_token_gets_its_successor_within_the_grace_only() {
        let session = Session { seq: 3, epoch: 7, expires_at: Timestamp(1_000), ..Session::probe(Timestamp(100)) };
        let judged = |seq, now| judge_late(&session, seq, 7, Timestamp(now), 10);
        assert_eq!(judged(2, 110), Late::SameSuccessor);
        assert_eq!(judged(2, 111), Late::Reused);
        assert_eq!(judged(1, 100), Late::Reused, "its successor has been used itself");
        assert_eq!(judged(4, 100), Late::Refused, "no such turn was ever issued");
        assert_eq!(judged(2, 1_000), Late::Refused, "the session is over");
        assert_eq!(judge_late(&session, 2, 8, Timestamp(100), 10), Late::Refused, "a new epoch ended the session");
    }
}
