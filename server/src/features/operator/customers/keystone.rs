//! What Keystone tells an operator about people and projects. Source: identity API v3, users and projects.

use std::sync::Arc;

use api_types::operator::customers::{CustomerProject, Person};
use axum::http::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use crate::{
    app::App,
    session::{Keystone, Operator},
    upstream::{Answer, Call, OnBehalf, UpstreamError, service_catalog::join},
};

/// Keystone, asked with one operator's own rights.
pub struct Directory<'a> {
    app: &'a App,
    operator: &'a Operator,
}

/// Why there is no answer: a sentence for the page, which shows the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotTold(pub String);

/// People or projects of one answer at most; more are cut off.
pub const MOST: usize = 50;
const LARGEST_ANSWER: usize = 4 << 20;

impl<'a> Directory<'a> {
    pub fn new(app: &'a App, operator: &'a Operator) -> Self {
        Self { app, operator }
    }

    /// Users whose name holds the text, and the one whose id it is.
    pub async fn find_users(&self, search: &str) -> Result<Vec<Person>, NotTold> {
        let mut found = self.named::<User>("users", search).await?;
        if may_be_id(search) {
            found.extend(self.one::<User>("users", "user", search).await?);
        }
        self.people(found).await
    }

    pub async fn show_user(&self, id: &str) -> Result<Option<Person>, NotTold> {
        let found = self.one::<User>("users", "user", id).await?;
        Ok(self.people(found.into_iter().collect()).await?.pop())
    }

    /// Projects whose name holds the text, and the one whose id it is.
    pub async fn find_projects(&self, search: &str) -> Result<Vec<CustomerProject>, NotTold> {
        let mut found = self.named::<Project>("projects", search).await?;
        if may_be_id(search) {
            found.extend(self.one::<Project>("projects", "project", search).await?);
        }
        Ok(found.into_iter().filter_map(Project::shown).collect())
    }

    pub async fn show_project(&self, id: &str) -> Result<Option<CustomerProject>, NotTold> {
        Ok(self.one::<Project>("projects", "project", id).await?.and_then(Project::shown))
    }

    /// The projects a user has a role in.
    pub async fn list_projects_of(&self, user: &str) -> Result<Vec<CustomerProject>, NotTold> {
        let answer = self.get(self.url(&["users", user, "projects"])).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(Vec::new());
        }
        Ok(listed::<Project>(&told(answer)?, "projects").into_iter().filter_map(Project::shown).collect())
    }

    async fn named<T: DeserializeOwned + Named>(
        &self,
        collection: &str,
        search: &str,
    ) -> Result<Vec<T>, NotTold> {
        let mut url = self.url(&[collection]);
        url.query_pairs_mut().append_pair("name__icontains", search).append_pair("limit", "200");
        let answer = told(self.get(url).await?)?;
        let search = search.to_lowercase();
        let mut found: Vec<T> = listed(&answer, collection);
        // A Keystone whose users come from a directory may not know how to look for a part.
        found.retain(|one| one.name().to_lowercase().contains(&search));
        // Who types a whole name means that one.
        found.sort_by_cached_key(|one| (one.name().to_lowercase() != search, one.name().to_lowercase()));
        found.truncate(MOST);
        Ok(found)
    }

    async fn one<T: DeserializeOwned>(
        &self,
        collection: &str,
        kind: &str,
        id: &str,
    ) -> Result<Option<T>, NotTold> {
        let answer = self.get(self.url(&[collection, id])).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let mut answer = told(answer)?;
        Ok(T::deserialize(answer[kind].take()).ok())
    }

    /// With the names of their domains, where those can be known: people type them at the form.
    async fn people(&self, users: Vec<User>) -> Result<Vec<Person>, NotTold> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let domains = match self.get(self.url(&["domains"])).await {
            Ok(answer) => told(answer).map(|answer| listed::<Domain>(&answer, "domains")).unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        let person = |user: User| {
            let domain = domains.iter().find(|domain| domain.id == user.domain_id);
            Person {
                domain: domain.map_or_else(|| user.domain_id.clone(), |domain| domain.name.clone()),
                id: user.id,
                name: user.name,
                is_enabled: Some(user.enabled),
                ..Person::default()
            }
        };
        Ok(users.into_iter().map(person).collect())
    }

    async fn get(&self, url: Url) -> Result<Answer, NotTold> {
        let caller = &self.operator.caller;
        let behalf = OnBehalf {
            user: caller.user().name.clone(),
            user_id: caller.user().id.clone(),
            session: caller.session.id.short(),
            request_id: caller.request_id.0.to_string(),
            ..OnBehalf::default()
        };
        let call = Call::get(url)
            .token(self.operator.rights.token.expose())
            .max_body_bytes(LARGEST_ANSWER)
            .on_behalf(Some(Arc::new(behalf)));
        let target = Keystone::target();
        let unavailable = |error: UpstreamError| NotTold(error.sentence(&target));
        self.app.upstream.send_any(&target, call).await.map_err(unavailable)
    }

    fn url(&self, path: &[&str]) -> Url {
        join(&self.app.config.keystone.auth_url, path)
    }
}

#[derive(Deserialize)]
struct User {
    id: String,
    name: String,
    #[serde(default)]
    domain_id: String,
    #[serde(default = "yes")]
    enabled: bool,
}

#[derive(Deserialize)]
struct Project {
    id: String,
    name: String,
    #[serde(default)]
    domain_id: String,
    #[serde(default = "yes")]
    enabled: bool,
    /// A domain acts as a project of its own; nobody works in it.
    #[serde(default)]
    is_domain: bool,
}

#[derive(Deserialize)]
struct Domain {
    id: String,
    name: String,
}

trait Named {
    fn name(&self) -> &str;
}

impl Named for User {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for Project {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Project {
    fn shown(self) -> Option<CustomerProject> {
        let id = self.id.parse().ok().filter(|_| !self.is_domain)?;
        Some(CustomerProject {
            id,
            name: self.name,
            domain: self.domain_id,
            may_view: false,
            is_enabled: Some(self.enabled),
        })
    }
}

fn yes() -> bool {
    true
}

/// Those that can be read; one odd entry does not hide the others.
fn listed<T: DeserializeOwned>(answer: &Value, key: &str) -> Vec<T> {
    let entries = answer[key].as_array().map(Vec::as_slice).unwrap_or_default();
    entries.iter().filter_map(|entry| T::deserialize(entry).ok()).collect()
}

fn told(answer: Answer) -> Result<Value, NotTold> {
    match answer.status {
        StatusCode::OK => {
            answer.json().map_err(|_| NotTold("Keystone answered in a way that the panel cannot read.".to_owned()))
        }
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Err(NotTold(
            "Keystone does not let you look this up: your own rights there do not reach so far. What is shown is what \
             the panel itself knows."
                .to_owned(),
        )),
        status => Err(NotTold(format!("Keystone answered with status {}.", status.as_u16()))),
    }
}

/// An id is long, and no part of a path.
fn may_be_id(text: &str) -> bool {
    (20..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
