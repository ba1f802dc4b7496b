//! What an upstream fault means to the person it happens to: cause, consequence, next step.
//!
//! The clouds' own words are recognised here and nowhere else; they are always shown beside, to be copied. A fault
//! that is not known keeps its own words and gets a general next step: nothing is made up.

mod numbers;
mod view;

pub use view::{Traces, explained, explained_gap, fault_banner};

use numbers::{amount, between, number_after};

/// What a cloud said when it refused or failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fault<'a> {
    /// The status it answered with; `None` for a failure that came later, as a server's fault does, and where the
    /// call did not get through.
    pub status: Option<u16>,
    /// Our own code, where the call did not get through (`upstream_timeout`); empty for a failure that came later.
    pub code: &'a str,
    /// The cloud's sentence, as it said it.
    pub words: &'a str,
}

/// A fault in words for the person it happens to; three sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub cause: String,
    pub consequence: &'static str,
    pub next: &'static str,
}

/// Explains a fault.
pub fn explain(fault: Fault<'_>) -> Explanation {
    by_words(fault.words)
        .or_else(|| by_code(fault))
        .or_else(|| fault.status.and_then(by_status))
        .unwrap_or_else(|| general(fault))
}

/// Explains why something could not be read. Reading changes nothing, and can be tried again without a look before.
pub fn explain_gap(fault: Fault<'_>) -> Explanation {
    let Explanation { cause, consequence, next } = explain(fault);
    let may_have_happened = consequence == MAY_HAVE_HAPPENED;
    let next = match next {
        LOOK_FIRST => AGAIN,
        CONNECTION_FIRST => "Check the connection, then try again.",
        next => next,
    };
    Explanation { cause, consequence: if may_have_happened { NOTHING_CHANGED } else { consequence }, next }
}

const AGAIN: &str = "Try again shortly. Other regions and services are not affected.";
const LOOK_FIRST: &str = "Look whether it was done before you ask again.";
const CONNECTION_FIRST: &str = "Check the connection, then look whether it was done before you ask again.";

const NOTHING_CHANGED: &str = "Nothing was changed.";
const MAY_HAVE_HAPPENED: &str =
    "Whether it took effect is not known; the list shows it as soon as the region says.";
const IN_ERROR: &str = "The server is left in the state Error and does not run.";

fn told(cause: impl Into<String>, consequence: &'static str, next: &'static str) -> Option<Explanation> {
    Some(Explanation { cause: cause.into(), consequence, next })
}

fn by_words(words: &str) -> Option<Explanation> {
    quota(words)
        .or_else(|| state(words))
        .or_else(|| permission(words))
        .or_else(|| placement(words))
        .or_else(|| choice(words))
}

/// Source: recorded answers; Nova says 403, Neutron 409, Cinder 413.
fn quota(words: &str) -> Option<Explanation> {
    const NEXT: &str = "Give back what is not needed, ask for less, or ask your provider to raise the quota.";
    if let Some(resource) = between(words, "Quota exceeded for ", ":")
        && resource != "resources"
    {
        let used = number_after(words, "already used ");
        let limit = number_after(words, " of ");
        let asked = number_after(words, "Requested ");
        let what = resource_name(resource);
        let cause = match (asked, used, limit) {
            (Some(asked), Some(used), Some(limit)) => format!(
                "The project's quota of {what} does not suffice: {} of {} are in use, and {} more were asked for.",
                amount(resource, used),
                amount(resource, limit),
                amount(resource, asked),
            ),
            _ => format!("The project's quota of {what} does not suffice."),
        };
        return told(cause, NOTHING_CHANGED, NEXT);
    }
    if let Some(resource) = between(words, "Quota exceeded for resources: ['", "']") {
        let cause = format!("The project's quota of {} is used up.", resource_name(resource));
        return told(cause, NOTHING_CHANGED, NEXT);
    }
    if words.contains("exceeds allowed gigabytes quota") {
        let cause = match (number_after(words, "quota is "), number_after(words, "Requested ")) {
            (Some(limit), Some(asked)) => format!(
                "The project's quota of volume space does not suffice: it is {limit} GiB, and {asked} GiB more were \
                 asked for."
            ),
            _ => "The project's quota of volume space does not suffice.".to_owned(),
        };
        return told(cause, NOTHING_CHANGED, NEXT);
    }
    let is_quota = words.contains("Quota exceeded") || words.contains("VolumeLimitExceeded");
    if is_quota { told("A quota of the project is used up.", NOTHING_CHANGED, NEXT) } else { None }
}

/// The server's state does not allow it: 409.
fn state(words: &str) -> Option<Explanation> {
    if let Some(vm_state) = words.split(" while it is in vm_state ").nth(1) {
        let cause =
            format!("The server is {}, and in this state the cloud does not do that.", state_name(vm_state));
        return told(
            cause,
            NOTHING_CHANGED,
            "Look at the server's status now; it may have changed since you looked.",
        );
    }
    if let Some(task) = words.split(" while it is in task_state ").nth(1) {
        let cause =
            format!("Something else is being done to the server: {}.", task.trim().replace(['_', '-'], " "));
        return told(cause, NOTHING_CHANGED, "Wait until that is over, then try again.");
    }
    if words.starts_with("Instance ") && words.trim_end().ends_with(" is locked") {
        const NEXT: &str = "Unlock the server first, if nobody locked it for a reason.";
        return told("The server is locked.", NOTHING_CHANGED, NEXT);
    }
    if words.contains("is in an invalid state for") {
        const NEXT: &str =
            "Delete the server and make it anew; if it was used, ask your provider to look at it.";
        return told(
            "The server never ran, or is broken, so that cannot be done to it.",
            NOTHING_CHANGED,
            NEXT,
        );
    }
    if words.contains("is already attached") || words.contains("must be available") {
        const NEXT: &str = "Detach it where it is in use, then try again.";
        return told("The volume is in use.", NOTHING_CHANGED, NEXT);
    }
    if words.contains("Cannot associate floating IP") && words.contains("already has a floating IP") {
        const NEXT: &str = "Detach the other floating IP first, or choose another port.";
        return told("The port has a floating IP already.", NOTHING_CHANGED, NEXT);
    }
    None
}

fn permission(words: &str) -> Option<Explanation> {
    const NEXT: &str =
        "Ask whoever manages the project for a role that may, or your provider where nobody has one.";
    let is_refused = words.contains("Policy doesn't allow")
        || words.contains("disallowed by policy")
        || words.contains("You are not authorized to");
    if is_refused {
        told("Your role in this project does not allow it.", NOTHING_CHANGED, NEXT)
    } else {
        None
    }
}

/// The region took it on and then could not do it.
fn placement(words: &str) -> Option<Explanation> {
    if words.contains("No valid host was found") {
        const NEXT: &str = "Try a smaller flavor, another availability zone or another region; if it must be this one, \
                            give your provider the request id.";
        let cause = "No machine of the region has room for a server of this flavor, or none meets what its flavor, \
                     image or server group asks for.";
        return told(cause, IN_ERROR, NEXT);
    }
    if words.contains("Binding failed for port") || words.contains("PortBindingFailed") {
        const NEXT: &str =
            "Choose another network, or give your provider the request id: the network there is wrong.";
        return told(
            "The server's network port could not be set up on the machine it was given.",
            IN_ERROR,
            NEXT,
        );
    }
    if words.contains("Exceeded maximum number of retries") {
        const NEXT: &str = "Delete it and try again; a name of plain letters, digits and hyphens and another network \
                            help in most cases. If not, give your provider the request id.";
        return told(
            "The region tried several machines, and on none the server could be built.",
            IN_ERROR,
            NEXT,
        );
    }
    if words.contains("Build of instance") && words.contains("aborted") {
        const NEXT: &str = "Delete it and try again; if it fails again, give your provider the request id.";
        return told("Building the server was broken off.", IN_ERROR, NEXT);
    }
    None
}

/// Something that was chosen does not fit or is not there.
fn choice(words: &str) -> Option<Explanation> {
    let (cause, next) = if words.contains("memory is too small for requested image") {
        ("The flavor has less RAM than the image needs.", "Choose a flavor with more RAM, or another image.")
    } else if words.contains("disk is too small for requested image")
        || words.contains("disk is smaller than the minimum size specified in image")
    {
        (
            "The flavor's disk is smaller than the image needs.",
            "Choose a flavor with a larger disk, or another image.",
        )
    } else if words.contains("When resizing, instances must change flavor") {
        ("The server has this flavor already.", "Choose another flavor.")
    } else if words.contains("Multiple possible networks found") {
        (
            "The project has several networks, and none was chosen.",
            "Choose the network the server is to be in.",
        )
    } else if words.contains("Invalid key_name provided") {
        ("There is no such key pair in this region.", "Choose another key pair, or import this one here.")
    } else if words.contains("availability zone is not available") {
        (
            "There is no such availability zone in this region.",
            "Choose another one, or leave the choice to the cloud.",
        )
    } else if words.contains("Key pair '") && words.contains("already exists") {
        ("You have a key pair of this name already.", "Choose another name, or use the one you have.")
    } else if words.contains("Keypair data is invalid") {
        (
            "What was pasted is no public key.",
            "Paste one line that begins with ssh-ed25519, ssh-rsa or ecdsa-sha2.",
        )
    } else if words.contains("Can not find requested image")
        || words.contains("Cannot find image for rebuild")
    {
        ("The image is gone, or is not yours to use.", "Choose another image.")
    } else if words.starts_with("Image ") && words.contains(" is not active") {
        (
            "The image cannot be used now: it is being saved, or was switched off.",
            "Wait, or choose another image.",
        )
    } else if words.contains("invalid 'name' value") {
        (
            "The cloud does not take this name.",
            "Leave out line breaks, blanks at the ends and rare characters such as emoji.",
        )
    } else if words.contains("Unavailable console type") {
        ("This region offers no console of this kind.", "Try the other kind, or read the console log.")
    } else if words.contains("max_request_body_size") {
        ("What was sent is larger than the cloud takes.", "Shorten the user data or send less at once.")
    } else if words.contains("is not reachable from subnet") {
        (
            "The port's network has no router to the network of the floating IP.",
            "Connect the two with a router first, or choose another port.",
        )
    } else if words.contains("could not be found") || words.contains("was not found") {
        ("What this is about is gone, or never was in this project.", "Look at the list again.")
    } else {
        return None;
    };
    told(cause, NOTHING_CHANGED, next)
}

/// Calls that did not get through, by our own code.
fn by_code(fault: Fault<'_>) -> Option<Explanation> {
    match fault.code {
        // Between the browser and the panel: what was asked for may have arrived all the same.
        "unreachable" => told("No answer came from the panel.", MAY_HAVE_HAPPENED, CONNECTION_FIRST),
        "malformed" | "request_timeout" | "internal_error" | "database_unavailable" => {
            told(cause_of(fault.words), MAY_HAVE_HAPPENED, LOOK_FIRST)
        }
        "upstream_timeout" => told("The service did not answer in time.", MAY_HAVE_HAPPENED, AGAIN),
        "upstream_unreachable" => told("The service cannot be reached.", MAY_HAVE_HAPPENED, AGAIN),
        "circuit_open" => {
            told("The service has failed several times, so it is given a pause.", NOTHING_CHANGED, AGAIN)
        }
        "upstream_busy" => told("Too many calls wait for the service.", NOTHING_CHANGED, AGAIN),
        "upstream_malformed" => {
            told("The service answered with something unreadable.", MAY_HAVE_HAPPENED, AGAIN)
        }
        _ => None,
    }
}

fn by_status(status: u16) -> Option<Explanation> {
    match status {
        401 => told(
            "The service does not accept your sign-in.",
            NOTHING_CHANGED,
            "Try again; if that does not help, sign in again.",
        ),
        413 | 429 => told(
            "The service takes no more calls at the moment.",
            NOTHING_CHANGED,
            "Wait a little, then try again.",
        ),
        500 | 502..=599 => told(
            "The service failed.",
            MAY_HAVE_HAPPENED,
            "Try again shortly; if it stays, give your provider the request id.",
        ),
        _ => None,
    }
}

fn general(fault: Fault<'_>) -> Explanation {
    let came_later = fault.status.is_none() && fault.code.is_empty();
    let (consequence, next) = match came_later {
        true => (
            IN_ERROR,
            "Try a hard reboot; if that does not help, give your provider the cloud's words and the server's id.",
        ),
        false => {
            (NOTHING_CHANGED, "Change what it names and try again, or give your provider the request id.")
        }
    };
    Explanation { cause: cause_of(fault.words), consequence, next }
}

/// The words themselves, where nothing better is known.
fn cause_of(words: &str) -> String {
    // Glance ends its sentences with markup, and what stands before some services answers in nothing else.
    let sentence = words.split('<').next().unwrap_or_default().trim();
    if sentence.is_empty() { "The cloud gave no reason.".to_owned() } else { sentence.to_owned() }
}

fn resource_name(resource: &str) -> &str {
    match resource.trim() {
        "instances" => "servers",
        "cores" => "vCPUs",
        "ram" => "RAM",
        "key_pairs" => "key pairs",
        "floatingip" | "floating_ips" => "floating IPs",
        "port" => "ports",
        "network" => "networks",
        "security_group" => "security groups",
        "server_groups" => "server groups",
        "server_group_members" => "members of a server group",
        "gigabytes" => "volume space",
        other => other,
    }
}

/// Nova's internal states as its API names them to people.
fn state_name(vm_state: &str) -> &str {
    match vm_state.trim().trim_end_matches('.') {
        "active" => "running",
        "stopped" => "shut off",
        "building" => "being built",
        "error" => "in Error",
        "rescued" => "in rescue mode",
        "resized" => "waiting for its resize to be confirmed",
        "shelved" | "shelved_offloaded" => "shelved",
        "soft-delete" => "deleted, and can still be restored",
        other => other,
    }
}

#[cfg(test)]
mod tests;
