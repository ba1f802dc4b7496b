//! Every action there is, and when it is allowed.

/// An action and when it is allowed.
pub struct Action {
    /// The key of the request's body.
    pub key: &'static str,
    /// The name in messages and in the history.
    pub name: &'static str,
    /// The policy's name.
    pub rule: &'static str,
    pub is_for_administrators: bool,
    /// The states it is allowed in; empty for any.
    pub states: &'static [&'static str],
    /// Not while a task is running.
    pub is_exclusive: bool,
    /// Not on a locked server.
    pub needs_key: bool,
    /// Only on a server that is on a host.
    pub needs_host: bool,
}

pub const ACTIONS: &[Action] = &[
    on_host(action("os-start", "start", "servers:start", &["stopped"])),
    on_host(action("os-stop", "stop", "servers:stop", &["active", "error"])),
    action("reboot", "reboot", "servers:reboot", RUNNING),
    action("pause", "pause", "os-pause-server:pause", RUNNING),
    action("unpause", "unpause", "os-pause-server:unpause", &["paused"]),
    action("suspend", "suspend", "os-suspend-server:suspend", RUNNING),
    action("resume", "resume", "os-suspend-server:resume", &["suspended"]),
    action("resize", "resize", "servers:resize", &["active", "stopped"]),
    action("confirmResize", "confirmResize", "servers:confirm_resize", &["resized"]),
    action("revertResize", "revertResize", "servers:revert_resize", &["resized"]),
    action("rebuild", "rebuild", "servers:rebuild", &["active", "stopped", "error"]),
    action("rescue", "rescue", "os-rescue", &["active", "stopped", "error"]),
    action("unrescue", "unrescue", "os-unrescue", &["rescued"]),
    action("shelve", "shelve", "os-shelve:shelve", SNAPSHOT),
    action("shelveOffload", "shelveOffload", "os-shelve:shelve_offload", &["shelved"]),
    action("unshelve", "unshelve", "os-shelve:unshelve", &["shelved", "shelved_offloaded"]),
    even_if_locked(action("createImage", "createImage", "servers:create_image", SNAPSHOT)),
    even_if_locked(action("createBackup", "createBackup", "os-create-backup", SNAPSHOT)),
    action("changePassword", "changePassword", "os-admin-password", RUNNING),
    on_host(action(
        "trigger_crash_dump",
        "trigger_crash_dump",
        "servers:trigger_crash_dump",
        &["active", "paused", "rescued", "resized", "error"],
    )),
    // Nova leaves no trace of these in the history.
    harmless("addSecurityGroup", "", "os-security-groups:add"),
    harmless("removeSecurityGroup", "", "os-security-groups:remove"),
    harmless("lock", "lock", "os-lock-server:lock"),
    harmless("unlock", "unlock", "os-lock-server:unlock"),
    on_host(harmless("os-getConsoleOutput", "", "os-console-output")),
    Action {
        is_for_administrators: true,
        ..action("migrate", "migrate", "os-migrate-server:migrate", &["active", "stopped"])
    },
    Action {
        is_for_administrators: true,
        ..action("os-migrateLive", "live-migration", "os-migrate-server:migrate_live", &["active", "paused"])
    },
    Action { is_for_administrators: true, ..harmless("os-resetState", "", "os-admin-actions:reset_state") },
];

const RUNNING: &[&str] = &["active"];
const SNAPSHOT: &[&str] = &["active", "stopped", "paused", "suspended"];

const fn action(
    key: &'static str,
    name: &'static str,
    rule: &'static str,
    states: &'static [&'static str],
) -> Action {
    Action {
        key,
        name,
        rule,
        is_for_administrators: false,
        states,
        is_exclusive: true,
        needs_key: true,
        needs_host: false,
    }
}

const fn harmless(key: &'static str, name: &'static str, rule: &'static str) -> Action {
    Action {
        key,
        name,
        rule,
        is_for_administrators: false,
        states: &[],
        is_exclusive: false,
        needs_key: false,
        needs_host: false,
    }
}

/// Nova asks the host; one that is on none is not ready.
const fn on_host(action: Action) -> Action {
    Action { needs_host: true, ..action }
}

/// A lock is there to prevent changes, and this makes none.
const fn even_if_locked(action: Action) -> Action {
    Action { needs_key: false, ..action }
}
