//! Neutron: networks, ports, addresses and security groups.

use super::Case;
use crate::recordings::stage::As::*;
use crate::recordings::stage::Before::*;

pub const CASES: &[Case] = &[
    (
        Rich,
        Nothing,
        &[
            "neutron/versions",
            "neutron/availability-zones",
            "neutron/floatingip-404",
            "neutron/floatingips",
            "neutron/network-404",
            "neutron/networks",
            "neutron/networks-bad-limit-400",
            "neutron/networks-fields",
            "neutron/networks-unknown-filter-400",
            "neutron/ports",
            "neutron/ports-page-1",
            "neutron/ports-page-2",
            "neutron/ports-bad-marker",
            "neutron/quotas",
            "neutron/quota-details",
            "neutron/router",
            "neutron/routers",
            "neutron/security-groups",
            "neutron/subnetpools",
            "neutron/subnets",
        ],
    ),
    (Rich, FloatingIp, &["neutron/floatingip-associated"]),
    (
        Alice,
        Active,
        &["neutron/floatingip-create-201", "neutron/security-group-create-201", "neutron/port-create-201"],
    ),
    (
        Alice,
        FreeFloatingIp,
        &[
            "neutron/floatingip-associate",
            "neutron/floatingip-associate-unreachable-404",
            "neutron/floatingip-delete-204",
        ],
    ),
    (Alice, LeadingFloatingIp, &["neutron/floatingip-disassociate", "neutron/floatingip-second-on-port-409"]),
    (Alice, NoFloatingIpLeft, &["neutron/over-quota-409"]),
    (Alice, Port, &["neutron/port-address-in-use-409"]),
    (
        Alice,
        SecurityGroup,
        &[
            "neutron/security-group-default-delete-409",
            "neutron/security-group-rule-bad-range-400",
            "neutron/security-group-rule-create-201",
            "neutron/security-group-delete-204",
        ],
    ),
    (Alice, SecurityGroupRule, &["neutron/security-group-rule-duplicate-409"]),
    (Mfa, Nothing, &["neutron/network-of-another-project-404"]),
    (Admin, Nothing, &["neutron/agents-admin"]),
];
