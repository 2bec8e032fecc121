//! Tokens: JWTs (RFC 7519) of several kinds, each with a `typ`, an audience and a key of its own, so that none passes for another.

mod claims;
mod mint;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::session::Session;
use crate::signing::Keys;
use crate::ticket::{Purpose, Ticket};
use crate::user::Role;

use claims::TicketClaims;
use mint::Mint;

pub use claims::{AccessClaims, RefreshClaims};

/// What a token is for; the word in its claim `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum TokenKind {
    /// Opens the API (RFC 9068).
    Access,
    /// Gets the next pair of tokens.
    Refresh,
    /// Is the token of a link in an email.
    Ticket(Purpose),
}

impl From<TokenKind> for &'static str {
    fn from(kind: TokenKind) -> Self {
        kind.name()
    }
}

impl TryFrom<String> for TokenKind {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        let tickets = Purpose::ALL.map(Self::Ticket);
        let mut kinds = [Self::Access, Self::Refresh].into_iter().chain(tickets);
        kinds.find(|kind| kind.name() == word).ok_or("no such kind of token")
    }
}

impl TokenKind {
    fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Ticket(purpose) => purpose.as_str(),
        }
    }

    fn typ(self) -> String {
        match self {
            Self::Access => "at+jwt".to_owned(),
            internal => format!("{}+jwt", internal.name()),
        }
    }

    /// Access tokens are for this API alone (RFC 9068, 3; RFC 9700, 2.3): `api` names it. The others never leave this service.
    fn audience(self, issuer: &str, api: &str) -> String {
        match self {
            Self::Access => api.to_owned(),
            internal => format!("{issuer}#{}", internal.name()),
        }
    }
}

/// The answer to a login and a refresh (RFC 6749, 5.1).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TokenPair {
    /// Goes into `Authorization: Bearer`.
    #[schema(example = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIwMTkzYTViIn0.c2lnbmF0dXJl")]
    pub access_token: String,
    /// Valid once, for the next pair.
    #[schema(example = "eyJhbGciOiJIUzI1NiIsInR5cCI6InJlZnJlc2gifQ.eyJzZXEiOjF9.c2lnbmF0dXJl")]
    pub refresh_token: String,
    /// Always `bearer` (RFC 6750).
    #[schema(value_type = String, pattern = "^bearer$", example = "bearer")]
    pub token_type: &'static str,
    /// Seconds that the access token is valid.
    #[schema(example = 1800)]
    pub expires_in: i64,
}

/// What the tokens of a service have in common.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// The claim `iss` of all.
    pub issuer: String,
    /// The claim `aud` of access tokens.
    pub audience: String,
    /// How long an access token is valid, in seconds.
    pub access_seconds: i64,
}

/// Issues and reads tokens of all kinds.
pub struct Tokens {
    settings: TokenSettings,
    access: Mint,
    refresh: Mint,
    verify: Mint,
    reset: Mint,
    confirm_email: Mint,
    revert_email: Mint,
}

impl Tokens {
    /// Tokens of this service, signed by these keys.
    ///
    /// # Errors
    /// [`Error::Internal`] when a private key cannot be read.
    pub fn new(settings: TokenSettings, keys: &Keys) -> Result<Self, Error> {
        let mint = |kind| Mint::new(kind, keys, &settings.issuer, &settings.audience);
        Ok(Self {
            access: mint(TokenKind::Access)?,
            refresh: mint(TokenKind::Refresh)?,
            verify: mint(TokenKind::Ticket(Purpose::Verify))?,
            reset: mint(TokenKind::Ticket(Purpose::Reset))?,
            confirm_email: mint(TokenKind::Ticket(Purpose::ConfirmEmail))?,
            revert_email: mint(TokenKind::Ticket(Purpose::RevertEmail))?,
            settings,
        })
    }

    /// Whether the key that `token` names is among these. What names none, no other keys would know either.
    #[must_use]
    pub fn knows(&self, token: &str) -> bool {
        self.access.knows(token)
    }

    /// The pair of the session's present turn. It depends on nothing else, so that a repeated refresh gets the same one; only the
    /// signature of an ES256 access token has a random part. The refresh token ends with the session, the access token at the latest.
    ///
    /// # Errors
    /// [`Error::Internal`] when signing fails.
    pub fn pair(&self, session: &Session, role: Role) -> Result<TokenPair, Error> {
        let iat = session.rotated_at;
        let access_end = iat.plus(self.settings.access_seconds).min(session.expires_at);
        let access = AccessClaims {
            iss: self.settings.issuer.clone(),
            aud: TokenKind::Access.audience(&self.settings.issuer, &self.settings.audience),
            sub: session.user_id.clone(),
            role,
            sid: session.id.clone(),
            iat,
            exp: access_end,
            nbf: None,
            jti: format!("{}.{}", session.id, session.seq),
            kind: TokenKind::Access,
        };
        let refresh = RefreshClaims {
            iss: self.settings.issuer.clone(),
            aud: TokenKind::Refresh.audience(&self.settings.issuer, &self.settings.audience),
            sub: session.user_id.clone(),
            sid: session.id.clone(),
            seq: session.seq,
            iat,
            exp: session.expires_at,
            nbf: None,
            kind: TokenKind::Refresh,
        };
        Ok(TokenPair {
            access_token: self.access.issue(iat, &access)?,
            refresh_token: self.refresh.issue(iat, &refresh)?,
            token_type: "bearer",
            expires_in: access_end.since(iat),
        })
    }

    /// The token of a link that is sent at `iat`.
    ///
    /// # Errors
    /// [`Error::Internal`] when signing fails.
    pub fn ticket(&self, purpose: Purpose, ticket: &Ticket, iat: Timestamp) -> Result<String, Error> {
        let kind = TokenKind::Ticket(purpose);
        let claims = TicketClaims {
            iss: self.settings.issuer.clone(),
            aud: kind.audience(&self.settings.issuer, &self.settings.audience),
            sub: ticket.user.clone(),
            epoch: ticket.epoch,
            address: ticket.address.clone(),
            iat,
            exp: ticket.expires_at,
            kind,
        };
        self.tickets(purpose).issue(iat, &claims)
    }

    /// The claims of a valid access token; none of anything else.
    #[must_use]
    pub fn read_access(&self, token: &str, now: Timestamp) -> Option<AccessClaims> {
        let claims: Option<AccessClaims> = self.access.read(token, now);
        let valid = |c: &AccessClaims| {
            // A life longer than any that is given is a forger's.
            let lifetime = c.exp.since(c.iat);
            c.kind == TokenKind::Access
                && current((c.iat, c.nbf, c.exp), now)
                && lifetime <= self.settings.access_seconds
        };
        claims.filter(valid)
    }

    /// The claims of a refresh token that has not expired; none of anything else. Whether it was used is the session's to say.
    #[must_use]
    pub fn read_refresh(&self, token: &str, now: Timestamp) -> Option<RefreshClaims> {
        let claims: Option<RefreshClaims> = self.refresh.read(token, now);
        claims.filter(|c| c.kind == TokenKind::Refresh && current((c.iat, c.nbf, c.exp), now))
    }

    /// What a link is bound to whose token has not expired; none of anything else. Whether it still holds is the user's record to say.
    #[must_use]
    pub fn read_ticket(&self, purpose: Purpose, token: &str, now: Timestamp) -> Option<Ticket> {
        let claims: Option<TicketClaims> = self.tickets(purpose).read(token, now);
        let of_purpose = |c: &TicketClaims| c.kind == TokenKind::Ticket(purpose);
        let claims = claims.filter(|c| of_purpose(c) && current((c.iat, None, c.exp), now))?;
        let TicketClaims { sub: user, epoch, address, exp: expires_at, .. } = claims;
        Some(Ticket { user, epoch, address, expires_at })
    }

    /// Goes on when a token of each kind that is signed at `now` can be read.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn check(&self, now: Timestamp) -> Result<(), Error> {
        let pair = self.pair(&Session::probe(now), Role::User)?;
        let mut are_read = self.read_access(&pair.access_token, now).is_some()
            && self.read_refresh(&pair.refresh_token, now).is_some();
        let ticket = Ticket::probe(now.plus(1));
        for purpose in Purpose::ALL {
            are_read &= self.read_ticket(purpose, &self.ticket(purpose, &ticket, now)?, now).is_some();
        }
        if are_read { Ok(()) } else { Err(Error::internal("a token that was just signed cannot be read")) }
    }

    fn tickets(&self, purpose: Purpose) -> &Mint {
        match purpose {
            Purpose::Verify => &self.verify,
            Purpose::Reset => &self.reset,
            Purpose::ConfirmEmail => &self.confirm_email,
            Purpose::RevertEmail => &self.revert_email,
        }
    }
}

/// Instances' clocks differ a little: a token may be this many seconds from the future, never past its end.
const CLOCK_SKEW_SECONDS: i64 = 5;

/// Whether a token with these times (RFC 7519, 4.1.4 to 4.1.6) is valid now. This release writes no `nbf`; a later one may.
fn current((iat, nbf, exp): (Timestamp, Option<Timestamp>, Timestamp), now: Timestamp) -> bool {
    now < exp && iat.max(nbf.unwrap_or(iat)) <= now.plus(CLOCK_SKEW_SECONDS)
}
