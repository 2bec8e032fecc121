//! Tokens: JWTs (RFC 7519) of several kinds, each with a `typ`, an audience and a key of its own, so that none passes for another.

mod claims;
mod mint;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::proof::Authentication;
use crate::session::Session;
use crate::signing::Keys;
use crate::ticket::{Purpose, Ticket};
use crate::user::Role;

use mint::Mint;

pub use claims::{AccessClaims, Claims, RefreshClaims, TicketClaims, Times};

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
        Self::all().find(|kind| kind.name() == word).ok_or("no such kind of token")
    }
}

impl TokenKind {
    /// All kinds.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Access, Self::Refresh].into_iter().chain(Purpose::ALL.map(Self::Ticket))
    }

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
    #[schema(example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIwMTkzYTViIn0.c2lnbmF0dXJl")]
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
    /// One for each kind.
    mints: Vec<(TokenKind, Mint)>,
}

impl Tokens {
    /// Tokens of this service, signed by these keys.
    ///
    /// # Errors
    /// [`Error::Internal`] when a private key cannot be read.
    pub fn new(settings: TokenSettings, keys: &Keys) -> Result<Self, Error> {
        let mint = |kind| Ok((kind, Mint::new(kind, keys, &settings.issuer, &settings.audience)?));
        let mints = TokenKind::all().map(mint).collect::<Result<_, Error>>()?;
        Ok(Self { settings, mints })
    }

    fn mint(&self, kind: TokenKind) -> Result<&Mint, Error> {
        let mint = self.mints.iter().find(|(of, _)| *of == kind).map(|(_, mint)| mint);
        mint.ok_or_else(|| Error::internal("there is no such kind of token"))
    }

    fn issue(&self, claims: &impl Claims) -> Result<String, Error> {
        self.mint(claims.kind())?.issue(claims.times().iat, claims)
    }

    /// Whether the key that `token` names is among these. What names none, no other keys would know either.
    #[must_use]
    pub fn knows(&self, token: &str) -> bool {
        self.mints.iter().any(|(_, mint)| mint.knows(token))
    }

    /// The pair of the session's present turn. It depends on nothing else, so that a repeated refresh gets the same one; only the
    /// signature of an ES256 access token has a random part. The refresh token ends with the session, the access token at the latest.
    ///
    /// # Errors
    /// [`Error::Internal`] when signing fails.
    pub fn pair(&self, session: &Session, role: Role) -> Result<TokenPair, Error> {
        let jti = format!("{}.{}", session.id, session.seq);
        self.pair_with(session, role, session.authentication(), session.rotated_at, jti)
    }

    /// The pair of the session's present turn with an access token of now, by which the user was authenticated anew. No other token says
    /// so: neither an earlier one nor those of a refresh.
    ///
    /// # Errors
    /// [`Error::Internal`] when signing fails.
    pub fn stepped_up(&self, session: &Session, role: Role, again: Authentication) -> Result<TokenPair, Error> {
        let (iat, jti) = (again.at, format!("{}.{}.{}", session.id, session.seq, again.at.0));
        self.pair_with(session, role, again, iat, jti)
    }

    fn pair_with(
        &self,
        session: &Session,
        role: Role,
        authentication: Authentication,
        iat: Timestamp,
        jti: String,
    ) -> Result<TokenPair, Error> {
        let access_end = iat.plus(self.settings.access_seconds).min(session.expires_at);
        let access = AccessClaims {
            iss: self.settings.issuer.clone(),
            aud: TokenKind::Access.audience(&self.settings.issuer, &self.settings.audience),
            sub: session.user_id.clone(),
            role,
            sid: session.id.clone(),
            client_id: session.grant.client_id.clone(),
            scope: session.grant.scope.clone(),
            auth_time: Some(authentication.at),
            acr: Some(authentication.assurance()),
            amr: authentication.methods,
            iat,
            exp: access_end,
            nbf: None,
            jti,
            kind: TokenKind::Access,
        };
        let refresh = RefreshClaims {
            iss: self.settings.issuer.clone(),
            aud: TokenKind::Refresh.audience(&self.settings.issuer, &self.settings.audience),
            sub: session.user_id.clone(),
            sid: session.id.clone(),
            seq: session.seq,
            iat: session.rotated_at,
            exp: session.expires_at,
            nbf: None,
            kind: TokenKind::Refresh,
        };
        Ok(TokenPair {
            access_token: self.issue(&access)?,
            refresh_token: self.issue(&refresh)?,
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
            nbf: None,
            kind,
        };
        self.issue(&claims)
    }

    /// The claims of a token of this kind whose signature and times are right; none of anything else. Whether what it is bound to still
    /// holds, the record says: the session of an access or a refresh token, the user of a ticket.
    #[must_use]
    pub fn read<C: Claims>(&self, kind: TokenKind, token: &str, now: Timestamp) -> Option<C> {
        self.read_until(kind, token, now).map(|(claims, _)| claims)
    }

    /// As [`Tokens::read`], and until when the token stays valid by itself: its own end or its key's, whichever comes first.
    #[must_use]
    pub fn read_until<C: Claims>(&self, kind: TokenKind, token: &str, now: Timestamp) -> Option<(C, Timestamp)> {
        let (claims, key_end): (C, _) = self.mint(kind).ok()?.read(token, now)?;
        let times = claims.times();
        let until = key_end.map_or(times.exp, |end| end.min(times.exp));
        // An access token with a longer life than any that is given is a forger's.
        let lives_as_given = kind != TokenKind::Access || times.exp.since(times.iat) <= self.settings.access_seconds;
        (claims.kind() == kind && lives_as_given && times.are_current(now)).then_some((claims, until))
    }

    /// Goes on when a token of each kind that is signed at `now` can be read.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn check(&self, now: Timestamp) -> Result<(), Error> {
        let pair = self.pair(&Session::probe(now), Role::User)?;
        let access: Option<AccessClaims> = self.read(TokenKind::Access, &pair.access_token, now);
        let refresh: Option<RefreshClaims> = self.read(TokenKind::Refresh, &pair.refresh_token, now);
        let mut are_read = access.is_some() && refresh.is_some();
        let ticket = Ticket::probe(now.plus(1));
        for purpose in Purpose::ALL {
            let token = self.ticket(purpose, &ticket, now)?;
            are_read &= self.read::<TicketClaims>(TokenKind::Ticket(purpose), &token, now).is_some();
        }
        if are_read { Ok(()) } else { Err(Error::internal("a token that was just signed cannot be read")) }
    }
}
