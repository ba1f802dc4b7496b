//! Keystone: signing in, tokens, people and places.

use super::Case;
use crate::recordings::stage::As::*;
use crate::recordings::stage::Before::*;

pub const CASES: &[Case] = &[
    // Signing in
    (
        Nobody,
        Nothing,
        &[
            "keystone/versions",
            "keystone/version-v3",
            "keystone/no-token-401",
            "keystone/token-admin-system-scoped",
            "keystone/token-disabled-user-401",
            "keystone/token-domain-scoped",
            "keystone/token-domain-user",
            "keystone/token-malformed-400",
            "keystone/token-mfa-first-factor-401",
            "keystone/token-no-role-on-project-401",
            "keystone/token-nocatalog",
            "keystone/token-not-an-object-400",
            "keystone/token-not-json-400",
            "keystone/token-project-scoped",
            "keystone/token-unknown-project-401",
            "keystone/token-unknown-user-401",
            "keystone/token-unscoped",
            "keystone/token-unscoped-explicit",
            "keystone/token-wrong-password-401",
        ],
    ),
    (Nobody, FirstFactor, &["keystone/token-mfa-second-factor", "keystone/token-mfa-wrong-totp-401"]),
    (Nobody, UnscopedToken, &["keystone/token-rescope", "keystone/token-rescope-no-role-401"]),
    (
        Nobody,
        ApplicationCredential,
        &["keystone/token-application-credential", "keystone/token-application-credential-wrong-401"],
    ),
    // Tokens
    (Nonsense, Nothing, &["keystone/bad-token-401"]),
    (Expired, Nothing, &["keystone/token-expired-as-caller-401"]),
    (Revoked, Nothing, &["keystone/token-revoked-as-caller-401"]),
    (Bob, SubjectGood, &["keystone/token-validate", "keystone/token-revoke"]),
    (Bob, SubjectExpired, &["keystone/token-expired-404"]),
    (Bob, SubjectRevoked, &["keystone/token-revoked-404"]),
    (Bob, SubjectOfDeletedCredential, &["keystone/token-of-deleted-application-credential"]),
    // People and places
    (AliceUnscoped, Nothing, &["keystone/auth-projects", "keystone/auth-domains", "keystone/auth-system"]),
    (
        Bob,
        Nothing,
        &[
            "keystone/catalog",
            "keystone/regions",
            "keystone/projects-of-user",
            "keystone/projects-all-member-403",
            "keystone/whoami-user",
            "keystone/password-change-wrong-401",
            "keystone/unknown-path-404",
            "keystone/application-credential-create",
        ],
    ),
    (
        Bob,
        ApplicationCredential,
        &["keystone/application-credentials", "keystone/application-credential-delete"],
    ),
    (WithApplicationCredential, Nothing, &["keystone/application-credential-may-not-make-another-403"]),
    (
        Admin,
        Nothing,
        &[
            "keystone/projects-all-admin",
            "keystone/project-404",
            "keystone/users-limit",
            "keystone/endpoints-admin",
            "keystone/role-assignments",
        ],
    ),
];
