//! Keystone's part of a session: passwords, one-time codes, tokens and projects. Source: identity API v3.

use std::{sync::Arc, time::Duration};

use api_types::ProjectId;
use axum::http::{HeaderName, StatusCode};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::SessionUser;
use crate::{
    secret::Secret,
    upstream::{
        Answer, Call, Lane, ServiceCatalog, Target, UpstreamClient, UpstreamError, service_catalog::join,
    },
};

/// The identity service. Cheap to clone.
#[derive(Clone)]
pub struct Keystone {
    upstream: UpstreamClient,
    auth_url: Arc<Url>,
    /// Longest wait while a person signs in, the wait for a free place included.
    sign_in_timeout: Duration,
}

/// A token, as Keystone issued it.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    pub token: Secret,
    pub user: SessionUser,
    pub expires_at: DateTime<Utc>,
    /// How the user proved to be the user: `password`, `totp`, `token`.
    pub methods: Vec<String>,
    /// Names of the roles in the project, sorted; empty without a project.
    pub roles: Vec<String>,
    pub project: Option<KeystoneProject>,
    pub catalog: Arc<ServiceCatalog>,
    /// The catalog as it came, to be kept for other nodes.
    pub catalog_json: Value,
}

/// A project the user may use.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct KeystoneProject {
    pub id: String,
    pub name: String,
    /// The domain's id.
    #[serde(default)]
    pub domain_id: String,
}

/// The first factor was accepted and another is needed. Good for some minutes.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub receipt: Secret,
    /// Whether a one-time code is what is needed; Keystone may ask for factors that the panel does not have.
    pub wants_totp: bool,
}

/// What Keystone says to a password.
#[derive(Debug)]
pub enum PasswordAnswer {
    Token(Box<IssuedToken>),
    SecondFactor(Receipt),
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Wrong password or code, unknown or disabled user, no role in the project: Keystone says the same 401 to all.
    #[error("Keystone refused")]
    Refused,
    /// No answer, or one that says nothing about the user: a proxy's page, a wrong address, a failure.
    #[error("Keystone did not answer as expected")]
    Unavailable(#[from] UpstreamError),
}

impl Keystone {
    pub fn new(upstream: UpstreamClient, auth_url: Url) -> Self {
        let sign_in_timeout = upstream.config().sign_in_timeout;
        Self { upstream, auth_url: Arc::new(auth_url), sign_in_timeout }
    }

    /// Where it is, for whoever looks whether it answers.
    pub fn auth_url(&self) -> &Url {
        &self.auth_url
    }

    /// Lets the client know where the services are, from a token's catalog.
    pub(super) fn note_endpoints(&self, catalog: &ServiceCatalog) {
        self.upstream.note_endpoints(catalog);
    }

    /// What calls to Keystone count as, for sentences and metrics.
    pub fn target() -> Target {
        Target::identity()
    }

    /// Checks a password. The token is for no project: which one is chosen later, and may change.
    pub async fn check_password(
        &self,
        user: &str,
        domain: &str,
        password: &Secret,
    ) -> Result<PasswordAnswer, AuthError> {
        let identity = json!({
            "methods": ["password"],
            "password": {"user": {"name": user, "domain": {"name": domain}, "password": password.expose()}},
        });
        self.authenticate(identity, None).await
    }

    /// As [`check_password`](Self::check_password), for a user who is known by id already.
    pub async fn check_password_again(
        &self,
        user: &SessionUser,
        password: &Secret,
    ) -> Result<PasswordAnswer, AuthError> {
        let identity = json!({
            "methods": ["password"],
            "password": {"user": {"id": user.id, "password": password.expose()}},
        });
        self.authenticate(identity, None).await
    }

    /// Checks a one-time code after a password; the receipt stands for the password.
    pub async fn check_totp(
        &self,
        receipt: &Secret,
        user: &str,
        domain: &str,
        code: &Secret,
    ) -> Result<IssuedToken, AuthError> {
        let identity = json!({
            "methods": ["totp"],
            "totp": {"user": {"name": user, "domain": {"name": domain}, "passcode": code.expose()}},
        });
        match self.authenticate(identity, Some(receipt)).await? {
            PasswordAnswer::Token(token) => Ok(*token),
            // Still another factor: none that we have.
            PasswordAnswer::SecondFactor(_) => Err(AuthError::Refused),
        }
    }

    /// A token for one project from a token without one.
    pub async fn scope_to_project(
        &self,
        token: &Secret,
        project: &ProjectId,
    ) -> Result<IssuedToken, AuthError> {
        self.scope(token, json!({"project": {"id": project.as_str()}})).await
    }

    /// A token for the system, with the roles that the user has on it; `None` for users without any, whom Keystone
    /// need not refuse for that.
    pub async fn scope_to_system(&self, token: &Secret) -> Result<Option<IssuedToken>, AuthError> {
        #[derive(Deserialize)]
        struct Systems {
            system: Vec<Value>,
        }
        let call = Call::get(self.url(&["auth", "system"])).token(token.expose());
        let answer = self.upstream.send_any(&Self::target(), call).await?;
        match answer.status {
            StatusCode::OK if answer.json::<Systems>()?.system.is_empty() => Ok(None),
            StatusCode::OK => self.scope(token, json!({"system": {"all": true}})).await.map(Some),
            _ => Err(refusal(&answer)),
        }
    }

    /// Whether Keystone still accepts a token. It is asked about the token with the token itself.
    pub async fn is_token_valid(&self, token: &Secret) -> Result<bool, UpstreamError> {
        let mut url = self.url(&["auth", "tokens"]);
        url.set_query(Some("nocatalog"));
        let call = Call::get(url)
            .token(token.expose())
            .secret_header(HeaderName::from_static("x-subject-token"), token.expose());
        let answer = self.upstream.send_any(&Self::target(), call).await?;
        match answer.status {
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(true),
            // A token that is over may not even ask about itself. 404 is for those who ask about another's.
            _ => match refusal(&answer) {
                AuthError::Refused => Ok(false),
                AuthError::Unavailable(error) => Err(error),
            },
        }
    }

    /// The projects a token may be scoped to, in Keystone's order.
    pub async fn list_projects(&self, token: &Secret) -> Result<Vec<KeystoneProject>, AuthError> {
        #[derive(Deserialize)]
        struct Projects {
            projects: Vec<Value>,
        }
        let call = Call::get(self.url(&["auth", "projects"])).token(token.expose());
        let answer = self.upstream.send_any(&Self::target(), call).await?;
        match answer.status {
            StatusCode::OK => {
                let projects = answer.json::<Projects>()?.projects;
                // One odd project does not hide the others; one that is switched off cannot be used.
                let usable = projects.into_iter().filter(|project| project["enabled"] != json!(false));
                Ok(usable.filter_map(|project| KeystoneProject::deserialize(project).ok()).collect())
            }
            _ => Err(refusal(&answer)),
        }
    }

    /// The names of the domains that the user may know, by id.
    pub async fn list_domains(&self, token: &Secret) -> Result<Vec<(String, String)>, UpstreamError> {
        #[derive(Deserialize)]
        struct Domains {
            domains: Vec<Domain>,
        }
        let call = Call::get(self.url(&["auth", "domains"])).token(token.expose());
        let domains: Domains = self.upstream.send(&Self::target(), call).await?.json()?;
        Ok(domains.domains.into_iter().map(|domain| (domain.id, domain.name)).collect())
    }

    /// Ends a token. One that has ended already is as good.
    pub async fn revoke(&self, token: &Secret) -> Result<(), UpstreamError> {
        let call = Call::delete(self.url(&["auth", "tokens"]))
            .token(token.expose())
            .secret_header(HeaderName::from_static("x-subject-token"), token.expose())
            .lane(Lane::Bulk);
        let answer = self.upstream.send_any(&Self::target(), call).await?;
        match answer.status {
            status if status.is_success() => Ok(()),
            StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND => Ok(()),
            _ => Err(unexpected(&answer)),
        }
    }

    async fn authenticate(
        &self,
        identity: Value,
        receipt: Option<&Secret>,
    ) -> Result<PasswordAnswer, AuthError> {
        let body = json!({"auth": {"identity": identity, "scope": "unscoped"}});
        let mut call = Call::post(self.url(&["auth", "tokens"]))
            .json(&body)
            .deadline(self.sign_in_timeout)
            // A password takes Keystone a third of a second; in this lane nobody who is signed in waits behind it.
            .lane(Lane::Bulk);
        if let Some(receipt) = receipt {
            call = call.secret_header(RECEIPT, receipt.expose());
        }
        let target = Self::target();
        // The deadline of a call starts when it has a place; a person at the form waits from the click on.
        let answer = tokio::time::timeout(self.sign_in_timeout, self.upstream.send_any(&target, call))
            .await
            .unwrap_or(Err(UpstreamError::Timeout { after: self.sign_in_timeout }))?;
        match answer.status {
            StatusCode::CREATED | StatusCode::OK => Ok(PasswordAnswer::Token(Box::new(issued(&answer)?))),
            StatusCode::UNAUTHORIZED => match wanted_factor(&answer) {
                Some(receipt) => Ok(PasswordAnswer::SecondFactor(receipt)),
                None => Err(refusal(&answer)),
            },
            _ => Err(refusal(&answer)),
        }
    }

    async fn scope(&self, token: &Secret, scope: Value) -> Result<IssuedToken, AuthError> {
        let body = json!({"auth": {
            "identity": {"methods": ["token"], "token": {"id": token.expose()}},
            "scope": scope,
        }});
        let call = Call::post(self.url(&["auth", "tokens"])).json(&body).repeatable(true);
        let answer = self.upstream.send_any(&Self::target(), call).await?;
        match answer.status {
            StatusCode::CREATED | StatusCode::OK => Ok(issued(&answer)?),
            _ => Err(refusal(&answer)),
        }
    }

    fn url(&self, path: &[&str]) -> Url {
        join(&self.auth_url, path)
    }
}

/// A token's body with the catalog kept apart, as Keystone sends it and as we keep it.
impl IssuedToken {
    fn parse(token: Secret, mut body: Value) -> Result<Self, UpstreamError> {
        #[derive(Deserialize)]
        struct Body {
            user: User,
            expires_at: DateTime<Utc>,
            #[serde(default)]
            methods: Vec<String>,
            #[serde(default)]
            roles: Vec<Named>,
            project: Option<Project>,
        }
        #[derive(Deserialize)]
        struct User {
            id: String,
            name: String,
            domain: Domain,
        }
        #[derive(Deserialize)]
        struct Project {
            id: String,
            name: String,
            domain: Option<Domain>,
        }
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        let catalog = Arc::new(ServiceCatalog::parse(&body));
        let Some(body) = body.get_mut("token") else {
            return Err(UpstreamError::Malformed { reason: "no token in the body".to_owned() });
        };
        let catalog_json = body.get_mut("catalog").map(Value::take).unwrap_or(Value::Null);
        let body = Body::deserialize(body.take())
            .map_err(|error| UpstreamError::Malformed { reason: error.to_string() })?;
        let mut roles: Vec<String> = body.roles.into_iter().map(|role| role.name).collect();
        roles.sort_unstable();
        roles.dedup();
        Ok(Self {
            token,
            user: SessionUser {
                id: body.user.id,
                name: body.user.name,
                domain_id: body.user.domain.id,
                domain: body.user.domain.name,
            },
            expires_at: body.expires_at,
            methods: body.methods,
            roles,
            project: body.project.map(|project| KeystoneProject {
                id: project.id,
                name: project.name,
                domain_id: project.domain.map(|domain| domain.id).unwrap_or_default(),
            }),
            catalog,
            catalog_json,
        })
    }
}

#[derive(Deserialize)]
struct Domain {
    id: String,
    name: String,
}

const RECEIPT: HeaderName = HeaderName::from_static("openstack-auth-receipt");
/// Where a new token is.
const SUBJECT_TOKEN: &str = "x-subject-token";

fn issued(answer: &Answer) -> Result<IssuedToken, UpstreamError> {
    let Some(token) = answer.header(SUBJECT_TOKEN) else {
        return Err(UpstreamError::Malformed { reason: "no token in the headers".to_owned() });
    };
    IssuedToken::parse(Secret::new(token.to_owned()), answer.json()?)
}

/// The receipt in a 401, if it is one that asks for another factor.
fn wanted_factor(answer: &Answer) -> Option<Receipt> {
    #[derive(Deserialize)]
    struct Wanted {
        required_auth_methods: Vec<Vec<String>>,
    }
    let receipt = answer.header(RECEIPT.as_str())?;
    let wanted: Wanted = answer.json().ok()?;
    // Any of the listed combinations will do.
    let wants_totp = wanted
        .required_auth_methods
        .iter()
        .any(|methods| methods.iter().all(|method| method == "password" || method == "totp"));
    Some(Receipt { receipt: Secret::new(receipt.to_owned()), wants_totp })
}

/// What an answer without a token means. Keystone refuses with 401 and its own JSON, and with nothing else; proxies
/// have 401, 403 and 404 of their own, and none of those may end a session or count as a wrong password.
fn refusal(answer: &Answer) -> AuthError {
    #[derive(Deserialize)]
    struct Body {
        error: Said,
    }
    #[derive(Deserialize)]
    struct Said {
        code: u16,
    }
    let is_verdict = answer.status == StatusCode::UNAUTHORIZED
        && answer.json::<Body>().is_ok_and(|body| body.error.code == StatusCode::UNAUTHORIZED.as_u16());
    if is_verdict { AuthError::Refused } else { AuthError::Unavailable(unexpected(answer)) }
}

/// An answer that none of the calls here can do anything with.
fn unexpected(answer: &Answer) -> UpstreamError {
    let status = answer.status;
    // What a status below 500 says of our request would be told as if it were about the caller's.
    let is_about_keystone = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    UpstreamError::of(answer)
        .filter(|_| is_about_keystone)
        .unwrap_or_else(|| UpstreamError::Malformed { reason: format!("status {status}") })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use bytes::Bytes;

    use super::*;

    fn is_verdict(status: u16, body: &str) -> bool {
        let status = StatusCode::from_u16(status).expect("a status");
        let answer = Answer { status, headers: HeaderMap::new(), body: Bytes::from(body.to_owned()) };
        matches!(refusal(&answer), AuthError::Refused)
    }

    #[test]
    fn only_keystones_own_401_is_a_verdict() {
        let own = |code: u16| format!(r#"{{"error": {{"code": {code}, "message": "No.", "title": "No"}}}}"#);
        assert!(is_verdict(401, &own(401)));
        for status in [301, 400, 403, 404, 407, 413, 429, 500, 503] {
            assert!(!is_verdict(status, &own(status)), "{status}");
        }
        for body in ["", "{}", "<html>401</html>", r#"{"error": "expired"}"#, r#"{"message": "No."}"#] {
            assert!(!is_verdict(401, body), "{body}");
        }
    }
}
