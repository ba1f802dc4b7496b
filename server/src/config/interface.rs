//! Which of a service's endpoints are called.

/// One of the three endpoints a service has in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum EndpointInterface {
    #[default]
    Public,
    Internal,
    Admin,
}

impl EndpointInterface {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }

    /// Takes `public` and, as older clouds.yaml files have it, `publicURL`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.trim_end_matches("URL") {
            "public" => Ok(Self::Public),
            "internal" => Ok(Self::Internal),
            "admin" => Ok(Self::Admin),
            _ => Err("is none of public, internal and admin".to_owned()),
        }
    }
}
