//! The people of every simulated cloud, with what they may do. Fixed, so that tests and demos can
//! name them.

/// The user of the demo world.
pub const DEMO_USER: &str = "demo";
/// The password of [`DEMO_USER`].
pub const DEMO_PASSWORD: &str = "demo-password";
/// Who has the role `admin` on the system.
pub const OPERATOR_USER: &str = "operator";
/// The password of every other user.
pub const TEST_PASSWORD: &str = "test-password";
/// The secret of the user `mfa`, in the form an authenticator app takes.
pub const TOTP_SECRET_BASE32: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
/// How many projects the user `many` may choose from.
pub const MANY_PROJECTS: usize = 3_000;

pub(crate) struct Member {
    pub name: &'static str,
    pub domain: &'static str,
    pub password: &'static str,
    pub enabled: bool,
    pub totp: bool,
    /// Projects of the user's domain, with the role's name. `member` includes `reader`, and `admin`
    /// includes both.
    pub roles: &'static [(&'static str, &'static str)],
    /// The role on the user's own domain.
    pub domain_role: Option<&'static str>,
    /// The role on the system.
    pub system_role: Option<&'static str>,
}

const PLAIN: Member = Member {
    name: "",
    domain: "Default",
    password: TEST_PASSWORD,
    enabled: true,
    totp: false,
    roles: &[],
    domain_role: None,
    system_role: None,
};

pub(crate) const CAST: &[Member] = &[
    Member {
        name: DEMO_USER,
        password: DEMO_PASSWORD,
        roles: &[("web-shop", "member"), ("three", "member"), ("empty", "member")],
        ..PLAIN
    },
    Member { name: "alice", roles: &[("alpha", "member"), ("beta", "member")], ..PLAIN },
    // Exactly one project: nothing to choose.
    Member { name: "solo", roles: &[("beta", "member")], ..PLAIN },
    Member { name: "bob", roles: &[("alpha", "member")], ..PLAIN },
    Member { name: "reader", roles: &[("alpha", "reader"), ("web-shop", "reader")], ..PLAIN },
    Member {
        name: OPERATOR_USER,
        roles: &[("admin", "admin"), ("alpha", "admin"), ("web-shop", "admin")],
        system_role: Some("admin"),
        ..PLAIN
    },
    Member { name: "mfa", totp: true, roles: &[("beta", "member")], ..PLAIN },
    Member { name: "nobody", ..PLAIN },
    // Its projects, `project-0001` and so on, are made by `identity.rs`.
    Member { name: MANY_USER, ..PLAIN },
    Member { name: "disabled", enabled: false, roles: &[("alpha", "member")], ..PLAIN },
    Member {
        name: "pat",
        domain: "partners",
        roles: &[("gamma", "member")],
        domain_role: Some("member"),
        ..PLAIN
    },
];

pub(crate) const MANY_USER: &str = "many";
