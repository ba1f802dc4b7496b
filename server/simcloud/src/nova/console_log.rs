//! What a server has printed on its console: it grows while the server boots, runs and stops.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use crate::http::Answer;
use crate::server::SimServer;

/// While a server boots: seconds since its power came on, and what it says.
const BOOT: &[(f64, &str)] = &[
    (0.0, "Linux version 6.1.0-28-cloud-amd64 (gcc-12 (Debian 12.2.0-14) 12.2.0)"),
    (0.000_1, "Command line: BOOT_IMAGE=/boot/vmlinuz root=/dev/vda1 ro console=tty0 console=ttyS0,115200"),
    (0.02, "DMI: OpenStack Foundation OpenStack Nova"),
    (0.03, "Hypervisor detected: KVM"),
    (0.4, "smpboot: CPU0: Intel Core Processor (Haswell, no TSX)"),
    (0.7, "PCI: Using configuration type 1 for base access"),
    (0.9, "virtio_blk virtio2: [vda] new disk"),
    (1.1, "virtio_net virtio0 ens3: renamed from eth0"),
    (1.4, "EXT4-fs (vda1): mounted filesystem with ordered data mode"),
    (1.8, "systemd[1]: systemd 252 running in system mode"),
    (2.0, "systemd[1]: Detected virtualization kvm."),
    (2.4, "systemd[1]: Reached target local-fs.target - Local File Systems."),
    (3.0, "cloud-init[411]: Cloud-init v. 24.4 running 'init-local'"),
    (4.2, "cloud-init[459]: Cloud-init v. 24.4 running 'init'"),
    (4.6, "cloud-init[459]: ci-info: | ens3 | True | dhcp |"),
    (6.0, "cloud-init[459]: Generating public/private ed25519 key pair."),
    (7.5, "systemd[1]: Started ssh.service - OpenBSD Secure Shell server."),
    (9.0, "cloud-init[588]: Cloud-init v. 24.4 running 'modules:final'"),
    (10.0, "cloud-init[588]: Cloud-init v. 24.4 finished. Datasource DataSourceOpenStackLocal [net,ver=2]."),
];

/// When the system is up and asks for a name.
const LOGIN_AFTER: f64 = 11.0;

/// What a running system says now and then, in turn.
const ROUTINE: &[&str] = &[
    "systemd[1]: Starting systemd-tmpfiles-clean.service - Cleanup of Temporary Directories...",
    "systemd[1]: Finished systemd-tmpfiles-clean.service - Cleanup of Temporary Directories.",
    "systemd[1]: Starting apt-daily.service - Daily apt download activities...",
    "systemd[1]: Finished apt-daily.service - Daily apt download activities.",
    "systemd-networkd[377]: ens3: DHCPv4 address renewed",
    "chronyd[502]: Selected source 169.254.169.123",
];
const ROUTINE_SECONDS: i64 = 20;

const STOP: &[(f64, &str)] = &[
    (0.5, "systemd[1]: Stopping ssh.service - OpenBSD Secure Shell server..."),
    (1.5, "systemd[1]: Reached target shutdown.target - System Shutdown."),
    (3.0, "reboot: Power down"),
];

/// The most lines a hypervisor keeps here.
const MOST_LINES: usize = 1_000;

/// `os-getConsoleOutput`: the last lines, as many as were asked for.
pub fn output(server: &SimServer, argument: &Map<String, Value>, now: DateTime<Utc>) -> Answer {
    let length = argument.get("length");
    let asked = length.and_then(|length| length.as_u64().or_else(|| length.as_str()?.parse().ok()));
    let text = log(server, now);
    let lines: Vec<&str> = text.split('\n').collect();
    let kept = asked.and_then(|asked| usize::try_from(asked).ok()).unwrap_or(MOST_LINES);
    let first = lines.len().saturating_sub(kept);
    Answer::json(200, &json!({"output": lines[first..].join("\n")}))
}

/// Everything since the server was launched, as far as it is kept.
pub fn log(server: &SimServer, now: DateTime<Utc>) -> String {
    let Some(launched_at) = server.launched_at else { return String::new() };
    let mut lines: Vec<(DateTime<Utc>, String)> = Vec::new();
    let periods = periods(server, launched_at, now);
    for Period { from, to } in periods {
        let mut say = |after: f64, text: &str, prompt: bool| {
            let at = from + TimeDelta::milliseconds((after * 1_000.0) as i64);
            if at <= now && to.is_none_or(|to| at <= to) {
                let text = if prompt { text.to_owned() } else { format!("[{after:12.6}] {text}") };
                lines.push((at, text));
            }
        };
        BOOT.iter().for_each(|(after, text)| say(*after, text, false));
        say(LOGIN_AFTER, &format!("\n{} login: ", server.host_name()), true);
        let end = to.unwrap_or(now);
        let count = (end - from).num_seconds() / ROUTINE_SECONDS;
        let kept = i64::try_from(MOST_LINES).unwrap_or(i64::MAX);
        for number in (count - kept).max(1)..=count {
            let text = ROUTINE[usize::try_from(number).unwrap_or(0) % ROUTINE.len()];
            say((number * ROUTINE_SECONDS) as f64 + 0.25, text, false);
        }
        if let Some(to) = to {
            for (after, text) in STOP {
                let at = to + TimeDelta::milliseconds((after * 1_000.0) as i64);
                if at <= now {
                    let uptime = (at - from).num_milliseconds() as f64 / 1_000.0;
                    lines.push((at, format!("[{uptime:12.6}] {text}")));
                }
            }
        }
    }
    let first = lines.len().saturating_sub(MOST_LINES);
    let texts: Vec<String> = lines.split_off(first).into_iter().map(|(_, text)| text).collect();
    texts.join("\n")
}

/// From a boot to what ended it.
struct Period {
    from: DateTime<Utc>,
    to: Option<DateTime<Utc>>,
}

/// The boots and stops that the server's history tells of.
fn periods(server: &SimServer, launched_at: DateTime<Utc>, now: DateTime<Utc>) -> Vec<Period> {
    let mut periods = vec![Period { from: launched_at, to: None }];
    let actions = server.rare.iter().flat_map(|rare| &rare.actions);
    for action in actions.filter(|action| action.failure.is_none() && action.started_at <= now) {
        let end = |periods: &mut Vec<Period>| {
            if let Some(last) = periods.last_mut()
                && last.to.is_none()
            {
                last.to = Some(action.started_at);
            }
        };
        match &*action.action {
            "stop" | "shelve" => end(&mut periods),
            "reboot" | "rebuild" | "rescue" | "unrescue" | "resize" | "revertResize" => {
                end(&mut periods);
                periods.push(Period { from: action.started_at + TimeDelta::seconds(4), to: None });
            }
            "start" | "unshelve" => {
                periods.push(Period { from: action.started_at + TimeDelta::seconds(1), to: None });
            }
            _ => {}
        }
    }
    periods
}
