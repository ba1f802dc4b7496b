//! Errors in the shapes the services give them: Keystone's, Nova's, Neutron's, and the shape Glance
//! shares with unknown URLs and oversized bodies everywhere.

use serde_json::json;

use crate::faults::Service;
use crate::http::{Answer, JSON, JSON_UTF8};

/// Keystone's, and that of every 401 but Glance's.
pub mod keystone {
    use super::*;

    const MALFORMED: &str = "The server could not comply with the request since it is either malformed or \
                             otherwise incorrect. The client is assumed to be in error.";

    pub fn error(code: u16, message: &str) -> Answer {
        let title = title(code);
        Answer::json(code, &json!({"error": {"code": code, "message": message, "title": title}}))
    }

    /// The same for a wrong password, an unknown user or project, and a bad token.
    pub fn unauthorized(keystone_url: &str) -> Answer {
        error(401, "The request you have made requires authentication.")
            .header("www-authenticate", format!("Keystone uri=\"{keystone_url}\""))
    }

    /// 400 for a field that is missing: `Expecting to find password in identity.`
    pub fn expecting(what: &str) -> Answer {
        error(400, &format!("Expecting to find {what}. {MALFORMED}"))
    }

    /// 403 for a role that does not suffice, by the rule's name: `identity:list_projects`.
    pub fn forbidden(rule: &str) -> Answer {
        error(403, &format!("You are not authorized to perform the requested action: {rule}."))
    }

    /// 404 for a thing by its kind and id: `Could not find project: ...`
    pub fn could_not_find(kind: &str, id: &str) -> Answer {
        error(404, &format!("Could not find {kind}: {id}."))
    }

    /// 404 for a path that is none; HTML, whatever the caller accepts.
    pub fn unknown_url() -> Answer {
        let page = "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n\
                    <p>The requested URL was not found on the server. If you entered the URL manually \
                    please check your spelling and try again.</p>\n";
        Answer::text(404, "text/html; charset=utf-8", page)
    }
}

/// Nova's: one key that names the kind.
pub mod nova {
    use super::*;

    pub fn error(kind: &str, code: u16, message: &str) -> Answer {
        Answer::json(code, &json!({kind: {"code": code, "message": message}})).of_type(JSON_UTF8)
    }

    pub fn bad_request(message: &str) -> Answer {
        error("badRequest", 400, message)
    }

    pub fn conflict(message: &str) -> Answer {
        error("conflictingRequest", 409, message)
    }

    pub fn not_found(message: &str) -> Answer {
        error("itemNotFound", 404, message)
    }

    pub fn server_not_found(id: &str) -> Answer {
        not_found(&format!("Instance {id} could not be found."))
    }

    pub fn forbidden(message: &str) -> Answer {
        error("forbidden", 403, message)
    }

    /// 403 for a role that does not suffice, by the rule's name: `servers:create`.
    pub fn policy(rule: &str) -> Answer {
        forbidden(&format!("Policy doesn't allow os_compute_api:{rule} to be performed."))
    }
}

/// Cinder's: as Nova's, under another content type.
pub mod cinder {
    use super::*;

    pub fn error(kind: &str, code: u16, message: &str) -> Answer {
        Answer::json(code, &json!({kind: {"code": code, "message": message}}))
    }

    pub fn bad_request(message: &str) -> Answer {
        error("badRequest", 400, message)
    }

    pub fn not_found(message: &str) -> Answer {
        error("itemNotFound", 404, message)
    }

    /// 403 for a role that does not suffice, by the rule's name.
    pub fn policy(rule: &str) -> Answer {
        error("forbidden", 403, &format!("Policy doesn't allow {rule} to be performed."))
    }
}

/// Neutron's.
pub mod neutron {
    use super::*;

    pub fn error(code: u16, kind: &str, message: &str) -> Answer {
        Answer::json(code, &json!({"NeutronError": {"type": kind, "message": message, "detail": ""}}))
    }

    /// 404 for a thing by its kind and id: `Network nonesuch could not be found.`
    pub fn not_found(kind: &str, noun: &str, id: &str) -> Answer {
        // Floating IPs alone do without the full stop.
        let stop = if kind == "FloatingIP" { "" } else { "." };
        error(404, &format!("{kind}NotFound"), &format!("{noun} {id} could not be found{stop}"))
    }
}

/// Glance's, and everybody's for an unknown URL and a body over the limit: HTML inside of JSON.
pub fn web_ob(code: u16, message: &str) -> Answer {
    let title = title(code);
    let body = json!({
        "message": format!("{message}<br /><br />\n\n\n"),
        "code": format!("{code} {title}"),
        "title": title,
    });
    Answer::json(code, &body).of_type(JSON)
}

/// 404 for a path, or a method on a path, that does not exist in Nova, Glance or Neutron.
pub fn unknown_url() -> Answer {
    web_ob(404, "The resource could not be found.")
}

/// 413 for a body over the limit. The `%s` is in the recording too.
pub fn body_too_large() -> Answer {
    web_ob(413, "Request is too large. Larger than max_request_body_size (%s).")
}

/// The 401 of a service to a token that is missing, unknown, expired or revoked.
pub fn bad_token(service: Service, keystone_root: &str) -> Answer {
    match service {
        Service::Image => web_ob(
            401,
            "This server could not verify that you are authorized to access the document you requested. \
             Either you supplied the wrong credentials (e.g., bad password), or your browser does not \
             understand how to supply the credentials required.",
        )
        .header("www-authenticate", format!("Keystone uri=\"{keystone_root}\"")),
        Service::Identity => keystone::unauthorized(&format!("{keystone_root}/v3")),
        Service::Compute | Service::Network | Service::BlockStorage => keystone::unauthorized(keystone_root),
    }
}

/// The answer of a service told to fail with this status.
pub fn fault(service: Service, code: u16, keystone_root: &str) -> Answer {
    match (code, service) {
        (401, _) => bad_token(service, keystone_root),
        // The proxy in front of the services says this, not they.
        (502..=504, _) => proxy(code),
        (413, _) => body_too_large(),
        (_, Service::Identity) => keystone::error(code, fault_message(code)),
        (_, Service::Compute) => nova_fault(code),
        (_, Service::BlockStorage) => nova_fault(code).of_type(JSON),
        (_, Service::Image) => web_ob(code, fault_message(code)),
        (_, Service::Network) => {
            neutron::error(code, &format!("HTTP{}", title(code).replace(' ', "")), fault_message(code))
        }
    }
}

fn nova_fault(code: u16) -> Answer {
    let message = fault_message(code);
    match code {
        403 => nova::policy("servers:index"),
        404 => nova::not_found(message),
        409 => nova::conflict(message),
        429 => nova::error("overLimit", code, message).header("retry-after", "1"),
        400..=499 => nova::error("badRequest", code, message),
        _ => nova::error("computeFault", code, message),
    }
}

fn proxy(code: u16) -> Answer {
    let reason = match code {
        502 => "The server returned an invalid or incomplete response.",
        504 => "The server didn't respond in time.",
        _ => "No server is available to handle this request.",
    };
    let page = format!("<html><body><h1>{code} {}</h1>\n{reason}\n</body></html>\n", title(code));
    Answer::text(code, "text/html", page).header("cache-control", "no-cache")
}

fn fault_message(code: u16) -> &'static str {
    match code {
        403 => "You are not authorized to perform the requested action.",
        404 => "The resource could not be found.",
        409 => "There was a conflict when trying to complete your request.",
        429 => "This request was rate-limited.",
        500 => {
            "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API \
             log if possible.\n<class 'oslo_messaging.exceptions.MessagingTimeout'>"
        }
        _ => "The simulated cloud was told to answer with this status.",
    }
}

fn title(code: u16) -> &'static str {
    match code {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        406 => "Not Acceptable",
        409 => "Conflict",
        410 => "Gone",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        416 => "Requested Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Time-out",
        _ => "Error",
    }
}
