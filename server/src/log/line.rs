//! One line of the log.

use std::{fmt, str::FromStr, sync::Arc};

use chrono::{DateTime, Utc};

use super::{
    fields::Fields,
    text::{self, LONGEST_DESCRIPTION, LONGEST_NAME},
};
use crate::config::NodeConfig;

/// What happened, when, to whom, and where it was written. Every output has the same of it.
#[derive(Clone, Debug)]
pub struct Line {
    /// The server's time.
    pub at: DateTime<Utc>,
    pub level: Level,
    pub facility: Facility,
    /// One line of text: [`Line::tidy`] sees to it.
    pub description: String,
    pub who: Who,
    pub project: Option<Arc<str>>,
    pub request_id: Option<Arc<str>>,
    /// Where it was written.
    pub place: Arc<Place>,
    pub fields: Fields,
}

/// How much a line matters; a higher one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Trace = 1,
    Debug,
    Info,
    Warn,
    Error,
}

/// Which part of the panel tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Facility {
    /// Our own answers.
    Request,
    /// Requests that are passed on to a service.
    Proxy,
    /// Calls the panel makes itself.
    Upstream,
    /// What browsers tell.
    Client,
    Job,
    SignIn,
    /// What operators do.
    Operator,
    Health,
    /// Everything else.
    Panel,
}

/// Whose doing it was, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    pub user: Option<Arc<str>>,
    pub user_id: Option<Arc<str>>,
    /// The session's short name.
    pub session: Option<Arc<str>>,
}

/// A node and where it stands, as its configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub node: String,
    pub region: Option<String>,
    pub zone: Option<String>,
    pub environment: Option<String>,
    pub release: String,
}

/// Neither a level nor a facility has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such name")]
pub struct UnknownName;

impl Line {
    pub fn new(place: Arc<Place>, level: Level, facility: Facility, description: impl Into<String>) -> Self {
        Self {
            at: Utc::now(),
            level,
            facility,
            description: description.into(),
            who: Who::default(),
            project: None,
            request_id: None,
            place,
            fields: Fields::default(),
        }
    }

    /// Bounds everything, takes control characters out and masks what looks like a secret. What comes from events is
    /// tidied on its way to the outputs; who makes lines otherwise does it before storing them. Twice does no harm.
    pub fn tidy(&mut self) {
        text::tidy(&mut self.description, LONGEST_DESCRIPTION);
        let Who { user, user_id, session } = &mut self.who;
        for name in [user, user_id, session, &mut self.project, &mut self.request_id] {
            if let Some(given) = name
                && !text::is_plain(given, LONGEST_NAME)
            {
                let mut tidied = given.to_string();
                text::clean(&mut tidied, LONGEST_NAME);
                *name = Some(tidied.into());
            }
        }
        self.fields.mask();
    }

    /// Bytes it takes in memory, about.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.description.capacity() + self.fields.size() + 100
    }
}

impl Place {
    /// This process's own.
    pub fn of(node: &NodeConfig) -> Self {
        Self {
            node: node.name.clone(),
            region: node.region.clone(),
            zone: node.zone.clone(),
            environment: node.environment.clone(),
            release: crate::RELEASE.to_owned(),
        }
    }
}

impl Level {
    pub const ALL: [Self; 5] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// As the database holds it: 1 trace, 5 error.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// As syslog and GELF count: 3 error, 7 debug.
    pub fn syslog(self) -> u8 {
        match self {
            Self::Trace | Self::Debug => 7,
            Self::Info => 6,
            Self::Warn => 4,
            Self::Error => 3,
        }
    }
}

impl Facility {
    pub const ALL: [Self; 9] = [
        Self::Request,
        Self::Proxy,
        Self::Upstream,
        Self::Client,
        Self::Job,
        Self::SignIn,
        Self::Operator,
        Self::Health,
        Self::Panel,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Proxy => "proxy",
            Self::Upstream => "upstream",
            Self::Client => "client",
            Self::Job => "job",
            Self::SignIn => "sign_in",
            Self::Operator => "operator",
            Self::Health => "health",
            Self::Panel => "panel",
        }
    }

    /// That of a module's events, unless they name one themselves.
    pub fn of_module(module: &str) -> Self {
        const MODULES: [(&str, Facility); 10] = [
            ("middleware", Facility::Request),
            ("proxy", Facility::Proxy),
            ("upstream", Facility::Upstream),
            ("client_log", Facility::Client),
            ("jobs", Facility::Job),
            ("features::jobs", Facility::Job),
            ("features::sign_in", Facility::SignIn),
            ("features::operator", Facility::Operator),
            ("health", Facility::Health),
            ("features::health", Facility::Health),
        ];
        let Some(module) = module.strip_prefix("server::") else { return Self::Panel };
        let holds = |prefix: &str| {
            module.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        MODULES.iter().find(|(prefix, _)| holds(prefix)).map_or(Self::Panel, |(_, facility)| *facility)
    }
}

impl From<&tracing::Level> for Level {
    fn from(level: &tracing::Level) -> Self {
        match *level {
            tracing::Level::TRACE => Self::Trace,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::INFO => Self::Info,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::ERROR => Self::Error,
        }
    }
}

impl FromStr for Level {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(text)).ok_or(UnknownName)
    }
}

impl FromStr for Facility {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|facility| facility.as_str() == text).ok_or(UnknownName)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Facility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_facility_is_that_of_the_module() {
        for (module, facility) in [
            ("server::middleware::log_request", Facility::Request),
            ("server::proxy", Facility::Proxy),
            ("server::proxying", Facility::Panel),
            ("server::upstream::call_log", Facility::Upstream),
            ("server::features::sign_in::password", Facility::SignIn),
            ("server::features::servers::refresh", Facility::Panel),
            ("server::jobs::runner::items", Facility::Job),
            ("hyper::proxy", Facility::Panel),
        ] {
            assert_eq!(Facility::of_module(module), facility, "{module}");
        }
    }

    #[test]
    fn a_line_is_tidied_whole() {
        let mut line =
            Line::new(Arc::default(), Level::Info, Facility::Client, "one\n\u{1b}[31mtwo password=hush");
        line.who.user = Some("al\u{7}ice".into());
        line.fields.push_str("header", "X-Auth-Token: 0123456789abcdef0123456789abcdef");
        line.tidy();
        assert_eq!(line.description, "one [31mtwo password=***");
        assert_eq!(line.who.user.as_deref(), Some("alice"));
        assert_eq!(line.fields.as_members(), r#""header":"X-Auth-Token: ***""#);
    }
}
