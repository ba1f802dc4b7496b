//! Who exists and who may do what: domains, users, projects, roles, and the tokens given out.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::cast::{CAST, MANY_PROJECTS, MANY_USER, TOTP_SECRET_BASE32};
use crate::config::{CloudConfig, ProjectSeed};
use crate::ids::Ids;

/// A role. The order is that of power: each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Reader,
    Member,
    Manager,
    Admin,
}

#[derive(Clone, Debug)]
pub struct Domain {
    pub id: Arc<str>,
    pub name: String,
}

#[derive(Clone, Debug)]
pub struct User {
    pub id: Arc<str>,
    pub name: String,
    pub domain_id: Arc<str>,
    pub password: String,
    pub enabled: bool,
    /// Locked out by Keystone after too many failures, which looks like a wrong password.
    pub is_locked: bool,
    /// The base32 secret of a second factor; with one, a password alone gives only a receipt.
    pub totp_secret: Option<String>,
    pub domain_role: Option<Role>,
    pub system_role: Option<Role>,
}

#[derive(Clone, Debug)]
pub struct Project {
    pub id: Arc<str>,
    pub name: String,
    pub domain_id: Arc<str>,
    pub description: String,
    pub enabled: bool,
}

/// What a token is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Unscoped,
    Project(Arc<str>),
    Domain(Arc<str>),
    System,
}

#[derive(Clone, Debug)]
pub struct Token {
    pub id: String,
    pub user_id: Arc<str>,
    /// How it was got: `password`, `token`, `totp`, `application_credential`.
    pub methods: Vec<String>,
    pub scope: Scope,
    /// The most powerful role in the scope.
    pub role: Option<Role>,
    /// The roles it carries when they are fewer than the role includes, as with an application
    /// credential; otherwise all that the role includes.
    pub roles: Vec<Role>,
    pub issued_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub audit_ids: Vec<String>,
    pub application_credential_id: Option<String>,
    pub is_revoked: bool,
}

/// Proof of a first factor, good for five minutes.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub user_id: Arc<str>,
    pub methods: Vec<String>,
    pub issued_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub struct ApplicationCredential {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub user_id: Arc<str>,
    pub project_id: Arc<str>,
    pub secret: String,
    pub roles: Vec<Role>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Keystone's database.
#[derive(Debug)]
pub struct Identity {
    pub domains: Vec<Domain>,
    pub users: HashMap<Arc<str>, User>,
    pub projects: BTreeMap<Arc<str>, Project>,
    /// The role of a user on a project.
    pub assignments: BTreeMap<(Arc<str>, Arc<str>), Role>,
    pub tokens: HashMap<String, Token>,
    pub receipts: HashMap<String, Receipt>,
    pub application_credentials: BTreeMap<String, ApplicationCredential>,
    role_ids: [String; 4],
}

impl Role {
    pub const ALL: [Role; 4] = [Role::Reader, Role::Member, Role::Manager, Role::Admin];

    pub fn name(self) -> &'static str {
        match self {
            Role::Reader => "reader",
            Role::Member => "member",
            Role::Manager => "manager",
            Role::Admin => "admin",
        }
    }

    pub fn by_name(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The role and those it implies, most powerful first.
    pub fn with_implied(self) -> Vec<Role> {
        Role::ALL.into_iter().rev().filter(|role| *role <= self).collect()
    }
}

impl Token {
    pub fn is_good_at(&self, now: DateTime<Utc>) -> bool {
        !self.is_revoked && now < self.expires_at
    }

    pub fn project_id(&self) -> Option<&Arc<str>> {
        match &self.scope {
            Scope::Project(id) => Some(id),
            _ => None,
        }
    }
}

impl Identity {
    /// The cast, their projects, and the projects that are to have servers.
    pub fn new(config: &CloudConfig) -> Self {
        let ids = Ids::new(config.seed);
        let mut identity = Identity {
            domains: Vec::new(),
            users: HashMap::new(),
            projects: BTreeMap::new(),
            assignments: BTreeMap::new(),
            tokens: HashMap::new(),
            receipts: HashMap::new(),
            application_credentials: BTreeMap::new(),
            role_ids: Role::ALL.map(|role| ids.hex(&["role", role.name()])),
        };
        for name in ["Default", "partners"] {
            identity.ensure_domain(&ids, name);
        }
        for name in ["admin", "service"] {
            identity.ensure_project(&ids, "Default", name);
        }
        for ProjectSeed { name, domain, .. } in &config.projects {
            identity.ensure_project(&ids, domain, name);
        }
        for member in CAST {
            let domain_id = identity.ensure_domain(&ids, member.domain);
            let user_id: Arc<str> = ids.hex(&["user", member.domain, member.name]).into();
            for (project, role) in member.roles {
                let project_id = identity.ensure_project(&ids, member.domain, project);
                let role = Role::by_name(role).unwrap_or(Role::Reader);
                identity.assignments.insert((user_id.clone(), project_id), role);
            }
            if member.name == MANY_USER {
                for number in 1..=MANY_PROJECTS {
                    let project_id =
                        identity.ensure_project(&ids, member.domain, &format!("project-{number:04}"));
                    identity.assignments.insert((user_id.clone(), project_id), Role::Member);
                }
            }
            let user = User {
                id: user_id.clone(),
                name: member.name.to_owned(),
                domain_id,
                password: member.password.to_owned(),
                enabled: member.enabled,
                is_locked: false,
                totp_secret: member.totp.then(|| TOTP_SECRET_BASE32.to_owned()),
                domain_role: member.domain_role.and_then(Role::by_name),
                system_role: member.system_role.and_then(Role::by_name),
            };
            identity.users.insert(user_id, user);
        }
        identity
    }

    fn ensure_domain(&mut self, ids: &Ids, name: &str) -> Arc<str> {
        if let Some(domain) = self.domains.iter().find(|domain| domain.name == name) {
            return domain.id.clone();
        }
        // Keystone's first domain has a name for an id.
        let id: Arc<str> =
            if name == "Default" { "default".into() } else { ids.hex(&["domain", name]).into() };
        self.domains.push(Domain { id: id.clone(), name: name.to_owned() });
        id
    }

    fn ensure_project(&mut self, ids: &Ids, domain: &str, name: &str) -> Arc<str> {
        let domain_id = self.ensure_domain(ids, domain);
        let id: Arc<str> = ids.hex(&["project", domain, name]).into();
        self.projects.entry(id.clone()).or_insert_with(|| Project {
            id: id.clone(),
            name: name.to_owned(),
            domain_id,
            description: format!("{name} of the simulated cloud"),
            enabled: true,
        });
        id
    }

    pub fn domain(&self, id: &str) -> Option<&Domain> {
        self.domains.iter().find(|domain| &*domain.id == id)
    }

    /// A domain by id or name.
    pub fn find_domain(&self, id_or_name: &str) -> Option<&Domain> {
        self.domains.iter().find(|domain| &*domain.id == id_or_name || domain.name == id_or_name)
    }

    pub fn user_by_name(&self, domain_id: &str, name: &str) -> Option<&User> {
        self.users.values().find(|user| &*user.domain_id == domain_id && user.name == name)
    }

    pub fn project_by_name(&self, domain_id: &str, name: &str) -> Option<&Project> {
        self.projects.values().find(|project| &*project.domain_id == domain_id && project.name == name)
    }

    /// A project by id, or by name in any domain.
    pub fn find_project(&self, id_or_name: &str) -> Option<&Project> {
        let by_id = self.projects.get(id_or_name);
        by_id.or_else(|| self.projects.values().find(|project| project.name == id_or_name))
    }

    /// A user by name in any domain, for tests.
    pub fn find_user_mut(&mut self, name: &str) -> Option<&mut User> {
        self.users.values_mut().find(|user| user.name == name)
    }

    pub fn role_on(&self, user_id: &Arc<str>, project_id: &Arc<str>) -> Option<Role> {
        self.assignments.get(&(user_id.clone(), project_id.clone())).copied()
    }

    /// The enabled projects a user has a role on, in the order of their ids as Keystone gives them.
    pub fn projects_of(&self, user_id: &Arc<str>) -> Vec<&Project> {
        let from = (user_id.clone(), Arc::<str>::from(""));
        let own = self.assignments.range(from..).take_while(|((user, _), _)| user == user_id);
        own.filter_map(|((_, project), _)| self.projects.get(project))
            .filter(|project| project.enabled)
            .collect()
    }

    pub fn role_id(&self, role: Role) -> &str {
        &self.role_ids[role as usize]
    }

    /// A token that is neither unknown, expired nor revoked, and whose user may still sign in.
    pub fn good_token(&self, id: &str, now: DateTime<Utc>) -> Option<&Token> {
        let token = self.tokens.get(id).filter(|token| token.is_good_at(now))?;
        self.users.get(&token.user_id).filter(|user| user.enabled).map(|_| token)
    }

    /// Keeps a new token, and forgets those long ended so that a long run does not grow.
    pub fn keep_token(&mut self, token: Token) {
        const SWEEP_EVERY: usize = 1_000;
        if self.tokens.len() % SWEEP_EVERY == SWEEP_EVERY - 1 {
            let long_ago = token.issued_at - TimeDelta::hours(1);
            self.tokens.retain(|_, kept| kept.expires_at > long_ago);
            self.receipts.retain(|_, kept| kept.expires_at > long_ago);
        }
        self.tokens.insert(token.id.clone(), token);
    }

    pub fn revoke_where(&mut self, ends: impl Fn(&Token) -> bool) {
        for token in self.tokens.values_mut().filter(|token| ends(token)) {
            token.is_revoked = true;
        }
    }
}
