//! Tokens, good and bad ones, at the other services.

use super::Case;
use crate::recordings::stage::As::*;
use crate::recordings::stage::Before::*;

pub const CASES: &[Case] = &[
    (
        Nobody,
        Nothing,
        &["nova/401-no-token", "glance/401-no-token", "neutron/401-no-token", "cinder/401-no-token"],
    ),
    (
        Nonsense,
        Nothing,
        &[
            "nova/401-nonsense-token",
            "glance/401-nonsense-token",
            "neutron/401-nonsense-token",
            "cinder/401-nonsense-token",
        ],
    ),
    (
        Expired,
        Nothing,
        &[
            "nova/401-expired-token",
            "glance/401-expired-token",
            "neutron/401-expired-token",
            "cinder/401-expired-token",
        ],
    ),
    (
        Revoked,
        Nothing,
        &[
            "nova/401-revoked-token",
            "glance/401-revoked-token",
            "neutron/401-revoked-token",
            "cinder/401-revoked-token",
        ],
    ),
    (
        RevokedButCached,
        Nothing,
        &[
            "nova/revoked-token-still-cached",
            "glance/revoked-token-still-cached",
            "neutron/revoked-token-still-cached",
            "cinder/revoked-token-still-cached",
        ],
    ),
];
