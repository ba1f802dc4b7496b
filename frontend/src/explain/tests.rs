use super::*;

fn said(status: u16, words: &str) -> Explanation {
    explain(Fault { status: Some(status), code: "", words })
}

#[test]
fn a_quota_is_told_with_its_numbers_and_units() {
    let ram = said(403, "Quota exceeded for ram: Requested 130560, but already used 1536 of 51200 ram");
    assert_eq!(
        ram.cause,
        "The project's quota of RAM does not suffice: 1.5 GiB of 50 GiB are in use, and 127.5 GiB more were asked \
         for."
    );
    let servers = said(403, "Quota exceeded for instances: Requested 11, but already used 1 of 10 instances");
    assert!(
        servers.cause.contains("quota of servers") && servers.cause.contains("1 of 10"),
        "{}",
        servers.cause
    );
    let ip = said(409, "Quota exceeded for resources: ['floatingip'].");
    assert_eq!(ip.cause, "The project's quota of floating IPs is used up.");
    let volume = said(
        413,
        "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested \
         5000G, quota is 1000G and 0G has been consumed.",
    );
    assert!(volume.cause.contains("1000 GiB") && volume.cause.contains("5000 GiB"), "{}", volume.cause);
}

#[test]
fn a_conflict_names_the_state_in_the_panels_words() {
    let id = "40888098-a975-4b4a-a604-a5bd047f6310";
    let stopped = said(409, &format!("Cannot 'reboot' instance {id} while it is in vm_state stopped"));
    assert!(stopped.cause.contains("shut off") && !stopped.cause.contains("vm_state"), "{}", stopped.cause);
    let busy = said(409, &format!("Cannot 'stop' instance {id} while it is in task_state powering-off"));
    assert!(busy.cause.ends_with("powering off."), "{}", busy.cause);
    let locked = said(409, &format!("Instance {id} is locked"));
    assert!(locked.next.starts_with("Unlock"), "{locked:?}");
    assert_eq!(locked.consequence, NOTHING_CHANGED);
}

#[test]
fn a_failure_that_came_later_says_what_became_of_the_server() {
    let words = "No valid host was found. There are not enough hosts available.";
    let full = explain(Fault { status: None, code: "", words });
    assert_eq!(full.consequence, IN_ERROR);
    let port = explain(Fault {
        words: "Binding failed for port 6ae2, please check neutron logs",
        ..Fault::default()
    });
    assert!(port.cause.contains("port"), "{port:?}");
}

#[test]
fn every_policy_of_every_service_is_a_matter_of_roles() {
    for words in [
        "Policy doesn't allow os_compute_api:os-migrate-server:migrate to be performed.",
        "rule:create_network is disallowed by policy",
        "You are not authorized to complete publicize_image action.<br /><br />\n\n\n",
    ] {
        assert!(said(403, words).cause.starts_with("Your role"), "{words}");
    }
}

#[test]
fn a_call_whose_answer_is_not_known_does_not_claim_that_nothing_happened() {
    let late = explain(Fault { code: "upstream_timeout", ..Fault::default() });
    assert_eq!(late.consequence, MAY_HAVE_HAPPENED);
    assert_eq!(said(503, "<html>").consequence, MAY_HAVE_HAPPENED);
    assert_eq!(said(429, "").consequence, NOTHING_CHANGED);
}

#[test]
fn what_may_have_arrived_is_not_denied() {
    let lost =
        explain(Fault { code: "unreachable", words: "The panel cannot be reached.", ..Fault::default() });
    assert_eq!(lost.consequence, MAY_HAVE_HAPPENED);
    for code in ["malformed", "request_timeout", "internal_error", "database_unavailable"] {
        let odd = explain(Fault { code, words: "The panel answered oddly.", ..Fault::default() });
        assert_eq!((odd.cause.as_str(), odd.consequence), ("The panel answered oddly.", MAY_HAVE_HAPPENED));
    }
    let refused = explain(Fault { code: "too_many_jobs", words: "You have many.", ..Fault::default() });
    assert_eq!(refused.consequence, NOTHING_CHANGED);
}

#[test]
fn a_fault_of_a_server_that_nobody_knows_leaves_it_in_error() {
    let odd = explain(Fault { words: "The flux is not aligned.", ..Fault::default() });
    assert_eq!((odd.cause.as_str(), odd.consequence), ("The flux is not aligned.", IN_ERROR));
}

#[test]
fn what_is_not_known_keeps_its_own_words() {
    let odd = said(400, "The flux is not aligned.");
    assert_eq!(odd.cause, "The flux is not aligned.");
    assert_eq!(said(400, "").cause, "The cloud gave no reason.");
}

#[test]
fn odd_numbers_and_half_sentences_break_nothing() {
    for words in [
        "Quota exceeded for ",
        "Quota exceeded for ram: Requested x, but already used of",
        "Quota exceeded for ram: Requested 99999999999999999999999, but already used 1 of 2 ram",
        " while it is in vm_state ",
        "Instance  is locked",
        "Quota exceeded for resources: ['",
    ] {
        assert!(!said(409, words).cause.is_empty(), "{words}");
    }
}

#[test]
fn what_could_not_be_read_changed_nothing_and_is_just_tried_again() {
    for (code, next) in [
        ("upstream_timeout", AGAIN),
        ("database_unavailable", AGAIN),
        ("unreachable", "Check the connection, then try again."),
    ] {
        let gap = explain_gap(Fault { code, words: "It did not work.", ..Fault::default() });
        assert_eq!((gap.consequence, gap.next), (NOTHING_CHANGED, next), "{code}");
    }
    let fault = Fault { status: Some(503), ..Fault::default() };
    assert_eq!(explain_gap(fault).consequence, NOTHING_CHANGED);
    assert_eq!(explain_gap(fault).cause, explain(fault).cause);
}
