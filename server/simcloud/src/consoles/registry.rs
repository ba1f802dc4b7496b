//! Who may open a console, how many are open, and what was pressed there.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;
use tokio::sync::watch;
use uuid::Uuid;

use crate::ids;

/// Which console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The screen, over RFB 3.8.
    Screen,
    /// The first serial line.
    Serial,
}

/// What a token opens.
#[derive(Clone, Copy, Debug)]
pub struct Ticket {
    pub region_number: usize,
    pub server_id: Uuid,
    pub kind: Kind,
}

/// The tokens given out, and the consoles that are open.
#[derive(Debug)]
pub struct Consoles {
    tickets: Mutex<HashMap<String, (Ticket, DateTime<Utc>)>>,
    /// Changes when all open consoles are to end; its receivers are the open consoles.
    cut: watch::Sender<u64>,
    /// What was pressed on each server's screen, oldest first.
    keys: Mutex<HashMap<Uuid, Vec<ScreenKey>>>,
}

/// A key of a screen that went down or up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScreenKey {
    /// As X11 numbers it (RFC 6143, 7.5.4).
    pub keysym: u32,
    pub is_down: bool,
}

/// `[consoleauth] token_ttl` of Nova.
const TOKEN_LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// The most keys of one screen that are remembered.
const MOST_KEYS: usize = 10_000;

impl Default for Consoles {
    fn default() -> Self {
        Consoles { tickets: Mutex::default(), cut: watch::Sender::new(0), keys: Mutex::default() }
    }
}

impl Consoles {
    /// A token for a console.
    pub fn issue(&self, ticket: Ticket, now: DateTime<Utc>) -> String {
        let token = ids::fresh_uuid().to_string();
        let mut tickets = self.tickets.lock();
        tickets.retain(|_, (_, until)| now < *until);
        tickets.insert(token.clone(), (ticket, now + TOKEN_LIFETIME));
        token
    }

    /// What a token opens, once.
    pub fn redeem(&self, token: &str, now: DateTime<Utc>) -> Option<Ticket> {
        let (ticket, until) = self.tickets.lock().remove(token)?;
        (now < until).then_some(ticket)
    }

    /// How many consoles are open.
    pub fn open(&self) -> usize {
        self.cut.receiver_count()
    }

    /// Breaks the connections of all open consoles.
    pub fn cut(&self) {
        self.cut.send_modify(|number| *number += 1);
    }

    /// Changes when the one who asks is to end; as long as it is kept, their console counts as open.
    pub fn told_of_cuts(&self) -> watch::Receiver<u64> {
        self.cut.subscribe()
    }

    /// What was pressed on a server's screen, oldest first.
    pub fn keys(&self, server_id: Uuid) -> Vec<ScreenKey> {
        self.keys.lock().get(&server_id).cloned().unwrap_or_default()
    }

    pub fn note_keys(&self, server_id: Uuid, pressed: Vec<ScreenKey>) {
        if pressed.is_empty() {
            return;
        }
        let mut keys = self.keys.lock();
        let keys = keys.entry(server_id).or_default();
        keys.extend(pressed);
        let surplus = keys.len().saturating_sub(MOST_KEYS);
        keys.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_once_and_for_ten_minutes() {
        let consoles = Consoles::default();
        let ticket = Ticket { region_number: 0, server_id: Uuid::nil(), kind: Kind::Serial };
        let now = Utc::now();
        let token = consoles.issue(ticket, now);
        assert!(consoles.redeem(&token, now).is_some());
        assert!(consoles.redeem(&token, now).is_none());
        let late = consoles.issue(ticket, now);
        assert!(consoles.redeem(&late, now + TimeDelta::minutes(10)).is_none());
    }
}
