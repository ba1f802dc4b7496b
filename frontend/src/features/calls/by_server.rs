//! Calls that the panel's server makes on behalf of a person: for the page that is open, and for what was asked to be
//! done to servers.

use api_types::{
    Region,
    jobs::CreateJob,
    servers::calls::{ActionCall, CalledService, calls_of},
};

use crate::{
    cloud::Service,
    commands::{Called, masks::mask},
    offers::COMPUTE_VERSION,
    router::parts_of,
};

/// A call as it is told; its region may be any of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub method: &'static str,
    pub service: &'static str,
    pub region: String,
    pub path: String,
    pub microversion: Option<&'static str>,
    pub body: Option<String>,
}

impl Told {
    /// Without its secrets.
    fn of(call: ActionCall, region: &Region) -> Self {
        let (service, microversion) = match call.service {
            CalledService::Compute => (Service::Compute, Some(COMPUTE_VERSION)),
            CalledService::Network => (Service::Network, None),
        };
        let path: Vec<String> = call.path.iter().map(|part| segment(part)).collect();
        let body = call.body.map(|mut body| {
            mask(&mut body);
            body.to_string()
        });
        Self {
            method: call.method.as_str(),
            service: service.key(),
            region: region.to_string(),
            path: path.join("/"),
            microversion,
            body,
        }
    }

    /// As the commands are written from it.
    pub fn called(&self) -> Called<'_> {
        Called {
            method: self.method,
            region: &self.region,
            service: self.service,
            path: &self.path,
            microversion: self.microversion,
            body: self.body.as_deref(),
            ..Called::default()
        }
    }
}

/// What the page at an address shows of servers is asked for by these, whoever looks. The calls of a server's own page
/// come with its answer.
pub fn of_page(path: &str, regions: &[String]) -> Vec<Told> {
    if parts_of("/projects/{project}/servers", path).is_none() {
        return Vec::new();
    }
    let of_region = |region: &String| {
        let get = |service: Service, microversion, path: &str| Told {
            method: "GET",
            service: service.key(),
            region: region.clone(),
            path: path.to_owned(),
            microversion,
            body: None,
        };
        [
            get(Service::Compute, Some(COMPUTE_VERSION), "servers/detail?limit=1000"),
            get(Service::Compute, Some(COMPUTE_VERSION), "limits"),
            // The names of the images, which Nova does not say.
            get(Service::Image, None, "images?limit=1000"),
        ]
    };
    regions.iter().flat_map(of_region).collect()
}

/// The calls of a job, for the first of its servers; all others have the same with their own id.
pub fn of_job(job: &CreateJob) -> Vec<Told> {
    let first = job.targets.iter().find_map(|targets| Some((&targets.region, targets.servers.first()?)));
    let Some((region, server)) = first else { return Vec::new() };
    calls_of(&job.action, *server).into_iter().map(|call| Told::of(call, region)).collect()
}

/// A name as a piece of a path, in plain Rust so that it can be tried without a browser.
fn segment(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped += &format!("%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use api_types::{
        ServerId,
        jobs::RegionTargets,
        servers::{ServerAction, action::Password},
    };

    use super::*;
    use crate::commands::{Form, written};

    fn job(action: ServerAction) -> CreateJob {
        let server: ServerId = "5f3c0000-0000-4000-8000-000000000000".parse().expect("an id");
        let targets =
            RegionTargets { region: "RegionOne".parse().expect("a region"), servers: vec![server, server] };
        CreateJob { action, targets: vec![targets], idempotency_key: "k".into(), confirmed: None }
    }

    #[test]
    fn a_job_is_told_by_the_call_of_its_first_server_without_its_secret() {
        let told = of_job(&job(ServerAction::SetPassword { password: Password("geheim".into()) }));
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].path, "servers/5f3c0000-0000-4000-8000-000000000000/action");
        assert_eq!(told[0].body.as_deref(), Some(r#"{"changePassword":{"adminPass":"***"}}"#));
    }

    #[test]
    fn a_rescue_is_told_with_all_it_sends() {
        let password = Some(Password("geheim".into()));
        let told = of_job(&job(ServerAction::Rescue { image_id: Some("i1".into()), password }));
        let command = written(&told[0].called(), Form::Cli).expect("a command");
        let expected = r#"server rescue --image i1 --password "${SECRET_ADMINPASS:?}""#;
        assert!(command.contains(expected), "{command}");
    }

    #[test]
    fn labels_are_pieces_of_the_path() {
        let told = of_job(&job(ServerAction::Tag { add: vec!["a b/c".into()], remove: vec!["x".into()] }));
        let paths: Vec<_> =
            told.iter().map(|told| (told.method, told.path.rsplit('/').next().unwrap_or(""))).collect();
        assert_eq!(paths, [("DELETE", "x"), ("PUT", "a%20b%2Fc")]);
    }

    #[test]
    fn the_list_is_asked_for_in_every_region_and_other_pages_ask_for_themselves() {
        let regions = ["One".to_owned(), "Two".to_owned()];
        let told = of_page("/projects/p/servers", &regions);
        let of_two: Vec<_> = told.iter().filter(|told| told.region == "Two").collect();
        assert_eq!((told.len(), of_two.len()), (6, 3));
        assert_eq!((of_two[2].service, of_two[2].microversion), ("image", None));
        assert!(of_page("/projects/p/images", &regions).is_empty());
    }
}
