//! Which recorded answers the simulated cloud gives, who asks for each, and what has to be so before;
//! and which it does not give, with the reason.

mod cinder;
mod glance;
mod keystone;
mod neutron;
mod nova;
mod tokens;

use super::stage::{As, Before};

/// Who asks, what comes before, and the recordings.
pub type Case = (As, Before, &'static [&'static str]);

/// The recorded answers that are compared, in this order: the cloud keeps what earlier ones made.
pub fn implemented() -> impl Iterator<Item = &'static Case> {
    let services =
        [keystone::CASES, tokens::CASES, nova::CASES, glance::CASES, cinder::CASES, neutron::CASES];
    services.into_iter().flatten()
}

/// The recorded answers the simulated cloud does not give, and why.
pub const NOT_IMPLEMENTED: &[(&str, &[&str])] = &[
    ("schemas are nobody's business yet", &["glance/schema-image"]),
    (
        "networks, subnets and routers are there to be used and cannot be changed",
        &[
            "neutron/network-create-201",
            "neutron/network-create-malformed-400",
            "neutron/network-create-not-json-400",
            "neutron/network-create-reader-403",
            "neutron/network-create-shared-member-403",
            "neutron/network-create-unknown-field-400",
            "neutron/network-delete-204",
            "neutron/network-in-use-409",
            "neutron/router-in-use-409",
            "neutron/subnet-bad-cidr-400",
            "neutron/subnet-create-201",
            "neutron/subnet-overlap-400",
        ],
    ),
    (
        "lists that only operators read",
        &["neutron/extensions", "neutron/network-ip-availability-admin", "nova/extensions"],
    ),
    (
        "usage is not kept",
        &[
            "nova/simple-tenant-usage",
            "nova/simple-tenant-usage-all-admin",
            "nova/simple-tenant-usage-all-member-403",
            "nova/simple-tenant-usage-bad-date-400",
            "nova/simple-tenant-usage-paged-2.40",
        ],
    ),
];
