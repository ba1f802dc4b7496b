//! What systemd is told where it started us with `Type=notify`: that we serve, that we live, that we stop.

use std::{
    ffi::OsStr,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    time::Duration,
};

use crate::{health::Health, shutdown::Shutdown};

/// Who is told, as the environment says.
#[derive(Clone, Debug, Default)]
pub struct Systemd {
    address: Option<SocketAddr>,
    /// It wants a sign of life so often, and ends a process that gives none.
    watchdog: Option<Duration>,
}

impl Systemd {
    /// Nobody, unless `NOTIFY_SOCKET` names a socket.
    pub fn from_env() -> Self {
        let variable = |name| std::env::var_os(name);
        let is_for_us = variable("WATCHDOG_PID")
            .is_none_or(|pid| pid.to_str().and_then(|pid| pid.parse().ok()) == Some(std::process::id()));
        let microseconds = variable("WATCHDOG_USEC").and_then(|text| text.to_str()?.parse().ok());
        Self {
            address: variable("NOTIFY_SOCKET").and_then(|name| address_of(&name)),
            watchdog: microseconds.filter(|_| is_for_us).map(Duration::from_micros),
        }
    }

    /// Says that the panel serves, gives signs of life while its checks go on, and says that it stops and how long that
    /// may take. Runs until it is aborted.
    pub async fn accompany(self, health: Health, shutdown: Shutdown, longest_stop: Duration) {
        self.tell("READY=1");
        let mut is_told_to_stop = false;
        loop {
            let pause = self.watchdog.map_or(Duration::from_secs(3600), |interval| interval / 3);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.drains(), if !is_told_to_stop => {
                    is_told_to_stop = true;
                    self.tell(&format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={}", longest_stop.as_micros()));
                }
            }
            // A process whose checks stand still is no better than none.
            if self.watchdog.is_some() && health.is_looking() {
                self.tell("WATCHDOG=1");
            }
        }
    }

    fn tell(&self, message: &str) {
        let Some(address) = &self.address else { return };
        let told =
            UnixDatagram::unbound().and_then(|socket| socket.send_to_addr(message.as_bytes(), address));
        if let Err(error) = told {
            tracing::warn!(%error, "systemd could not be told");
        }
    }
}

/// A path, or a name without a file, which is written with `@`.
fn address_of(name: &OsStr) -> Option<SocketAddr> {
    match name.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(name).ok(),
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_has_a_path_or_a_name_without_a_file() {
        let path = address_of(OsStr::new("/run/systemd/notify")).expect("an address");
        assert_eq!(path.as_pathname(), Some(std::path::Path::new("/run/systemd/notify")));
        let name = address_of(OsStr::new("@meridian")).expect("an address");
        assert_eq!(name.as_abstract_name(), Some(&b"meridian"[..]));
        assert!(address_of(OsStr::new("notify")).is_none() && address_of(OsStr::new("")).is_none());
    }
}
