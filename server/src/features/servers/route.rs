//! What the paths of this feature's routes name: a region of a project, and a server in it.

use api_types::{Region, ServerId};
use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::error::ApiError;

/// The region of the route's `{region}`. Whether the project has it, its catalog knows.
///
/// Errors as an extractor: 400 `invalid_path`, 404 for what is no region's name.
pub struct RegionOfRoute(pub Region);

/// The server of the route's `{region}` and `{server}`.
///
/// Errors as an extractor: those of [`RegionOfRoute`], 400 `invalid_server_id`.
pub struct ServerOfRoute {
    pub region: Region,
    pub server: ServerId,
}

pub fn no_such_region(region: &str) -> ApiError {
    ApiError::NotFound { kind: "region", id: region.chars().take(255).collect() }
}

impl<S: Send + Sync> FromRequestParts<S> for RegionOfRoute {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        #[derive(Deserialize)]
        struct Named {
            region: String,
        }
        let Named { region } = named(parts, state).await?;
        Ok(Self(region.parse().map_err(|_| no_such_region(&region))?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ServerOfRoute {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        #[derive(Deserialize)]
        struct Named {
            server: String,
        }
        let RegionOfRoute(region) = RegionOfRoute::from_request_parts(parts, state).await?;
        let Named { server } = named(parts, state).await?;
        let server = server.parse().map_err(|_| ApiError::Invalid {
            code: "invalid_server_id",
            message: "The server in the address is no server id.".to_owned(),
        })?;
        Ok(Self { region, server })
    }
}

/// Pieces of the path by their names; the same refusal for all that cannot be one.
async fn named<T: DeserializeOwned + Send, S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
) -> Result<T, ApiError> {
    let path = Path::<T>::from_request_parts(parts, state).await;
    path.map(|Path(named)| named).map_err(|_| ApiError::Invalid {
        code: "invalid_path",
        message: "The address cannot be read.".to_owned(),
    })
}
