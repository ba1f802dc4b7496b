//! Who is signed in, until when, and how to go on: the one place in the browser that decides it.
//!
//! The page is never lost silently. Before the upstream token runs out a banner counts down; when it has, or when
//! the server says that the session is over, a dialog asks and the page behind it stays as it was, out of sight
//! where the session is over. All tabs hear of a renewal, a sign-in and a sign-out.

mod expiry;
mod prompt;
mod tabs;

use std::time::Duration;

use api_types::{
    routes,
    session::{ContinueSession, CurrentSession},
};
use js_sys::Date;
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use web_sys::{PageTransitionEvent, Storage};

pub use expiry::{Expiry, Standing};
pub use prompt::session_prompt;

use crate::{
    api_client::{ApiError, Call, Over, on_session_over},
    csrf_token::set_csrf_token,
    theme::{Theme, use_theme},
    ui::{Held, announcer::Announcements, use_announcer},
};
use tabs::{Message, Tabs};

/// The session of this document.
#[derive(Clone, Copy)]
pub struct Session {
    current: Held<Option<CurrentSession>>,
    expiry: StoredValue<Option<Expiry>>,
    standing: Held<Standing>,
    renewals: RwSignal<u32>,
    /// The dialog to continue is open before it has to be.
    is_continuing: RwSignal<bool>,
    tabs: StoredValue<Option<Tabs>, LocalStorage>,
    timer: StoredValue<Option<TimeoutHandle>>,
    has_left: StoredValue<bool>,
    /// Kept, since timers and answers find no context.
    announcer: Announcements,
}

impl Session {
    /// Who is signed in; `None` until the server has said so.
    pub fn current(self) -> Option<CurrentSession> {
        self.current.get()
    }

    /// The same, now.
    pub fn current_untracked(self) -> Option<CurrentSession> {
        self.current.get_untracked()
    }

    pub fn standing(self) -> Standing {
        self.standing.get()
    }

    /// Somebody signed out of this browser: nothing of what is on the page may be kept any more.
    pub fn has_left(self) -> bool {
        self.has_left.get_value()
    }

    /// Counts up when the session goes on after an end: who had to stop starts anew then.
    pub fn renewals(self) -> Signal<u32> {
        self.renewals.into()
    }

    /// The server said that the session is over: by an answer, or by closing a stream.
    pub fn end(self) {
        if self.current.with_untracked(Option::is_some) {
            conceal(true);
            self.standing.set(Standing::Ended);
        } else {
            // Nothing is on screen yet that could be lost.
            self.go_to_sign_in();
        }
    }

    /// The server said that the upstream token has run out, whatever the clock here says.
    pub fn expire(self) {
        // Before the server has said who is signed in there is no end to move; its answer will have it.
        self.expiry.update_value(|expiry| *expiry = expiry.map(|expiry| expiry.over(Date::now())));
        self.check();
    }

    /// Tells the other tabs what the panel looks like now.
    pub fn tell_theme(self, theme: Theme) {
        self.tell(&Message::Theme(theme));
    }

    /// Asks the server who is signed in; again after a while where it cannot be reached.
    pub fn load(self) {
        spawn_local(self.load_again_after(Duration::from_secs(1)));
    }

    /// Goes on with this session: the password again, and the code where one is needed.
    ///
    /// Errors: wrong password or code, locked out, identity service down; session ended.
    pub async fn renew(self, answer: &ContinueSession) -> Result<(), ApiError> {
        let renewed: CurrentSession = Call::post(routes::SESSION_CONTINUE).body(answer).json().await?;
        self.adopt(renewed);
        self.tell(&Message::Renewed);
        Ok(())
    }

    /// Ends this session, here and in the other tabs of this browser.
    pub async fn sign_out(self) -> Result<(), ApiError> {
        Call::post(routes::SIGN_OUT).done().await?;
        self.left();
        Ok(())
    }

    /// Ends every session of this user, on every machine.
    pub async fn sign_out_everywhere(self) -> Result<(), ApiError> {
        Call::delete(format!("{}?include_current=true", routes::SESSIONS)).done().await?;
        self.left();
        Ok(())
    }

    /// The sign-in page, with the way back to where we are.
    pub fn sign_in_path(self) -> String {
        let location = window().location();
        let here = location.pathname().unwrap_or_default() + &location.search().unwrap_or_default();
        format!("{}?next={}", routes::SIGN_IN, js_sys::encode_uri_component(&here))
    }

    async fn load_again_after(self, pause: Duration) {
        const LONGEST_PAUSE: Duration = Duration::from_secs(30);
        match Call::get(routes::SESSION).json::<CurrentSession>().await {
            Ok(current) => {
                self.tell(&Message::SignedIn(current.user.id.clone()));
                self.adopt(current);
            }
            // Told by the hook already.
            Err(error) if error.is_session_ended() => {}
            Err(_) => {
                let again = move || spawn_local(self.load_again_after((pause * 2).min(LONGEST_PAUSE)));
                set_timeout(again, pause);
            }
        }
    }

    fn adopt(self, current: CurrentSession) {
        set_csrf_token(&current.csrf_token);
        self.expiry.set_value(Some(Expiry::of(&current, Date::now())));
        keep_for(&current.user.id);
        conceal(false);
        let had_ended = matches!(self.standing.get_untracked(), Standing::Expired | Standing::Ended);
        self.current.set(Some(current));
        self.is_continuing.set(false);
        self.standing.set(Standing::Fresh);
        if had_ended {
            self.renewals.update(|renewals| *renewals += 1);
        }
        self.check();
    }

    /// Looks at the clock, and plans when to look again.
    fn check(self) {
        let Some(expiry) = self.expiry.get_value() else { return };
        let now = Date::now();
        let standing = expiry.standing(now);
        if self.standing.get_untracked() != Standing::Ended {
            let was_fresh = self.standing.get_untracked() == Standing::Fresh;
            if was_fresh && matches!(standing, Standing::EndingSoon { .. }) {
                self.announcer.say(prompt::WARNING);
            }
            self.standing.set_if_new(standing);
        }
        if let Some(timer) = self.timer.get_value() {
            timer.clear();
        }
        let timer = expiry
            .next_look_in(now)
            .and_then(|pause| set_timeout_with_handle(move || self.check(), pause).ok());
        self.timer.set_value(timer);
    }

    fn hear(self, message: Message) {
        match message {
            Message::Theme(theme) => use_theme().follow(theme),
            Message::SignedOut => {
                self.let_go();
                self.go_to_sign_in();
            }
            Message::Renewed => self.load(),
            Message::SignedIn(user) => self.hear_sign_in(&user),
        }
    }

    /// Another tab has a session: ours may be over, or be another person's.
    fn hear_sign_in(self, user: &str) {
        let is_same = self.current.with_untracked(|own| own.as_ref().is_some_and(|own| own.user.id == user));
        if !is_same && self.current.with_untracked(Option::is_some) {
            _ = window().location().reload();
        } else if matches!(self.standing.get_untracked(), Standing::Expired | Standing::Ended) {
            self.load();
        }
    }

    fn left(self) {
        self.tell(&Message::SignedOut);
        self.let_go();
        conceal(true);
        _ = window().location().assign(routes::SIGN_IN);
    }

    /// Nothing that was typed stays in this tab, nor is anything kept while the page is being left.
    fn let_go(self) {
        self.has_left.set_value(true);
        if let Some(kept) = kept_in_tab() {
            _ = kept.clear();
        }
    }

    fn go_to_sign_in(self) {
        conceal(true);
        // In place of this page: a step back must not lead to it, and from there here again.
        _ = window().location().replace(&self.sign_in_path());
    }

    /// The page is on screen again as it was left.
    fn come_back(self) {
        if is_concealed() {
            _ = window().location().reload();
        } else {
            self.load();
        }
    }

    fn tell(self, message: &Message) {
        self.tabs.with_value(|tabs| {
            if let Some(tabs) = tabs {
                tabs.send(message);
            }
        });
    }
}

/// Starts the session of this document and asks the server about it.
pub fn provide_session() -> Session {
    let session = Session {
        current: Held::new(None),
        expiry: StoredValue::new(None),
        standing: Held::new(Standing::Unknown),
        renewals: RwSignal::new(0),
        is_continuing: RwSignal::new(false),
        tabs: StoredValue::new_local(None),
        timer: StoredValue::new(None),
        has_left: StoredValue::new(false),
        announcer: use_announcer(),
    };
    provide_context(session);
    // The page the server sent has the token already; state changes need not wait for the answer.
    let sent = document().query_selector("meta[name=csrf-token]").ok().flatten();
    set_csrf_token(&sent.and_then(|sent| sent.get_attribute("content")).unwrap_or_default());
    let Some(owner) = Owner::current() else { return session };
    session.tabs.set_value(Tabs::open(move |message| owner.with(|| session.hear(message))));
    on_session_over(move |over| match over {
        Over::Session => session.end(),
        Over::Token => session.expire(),
    });
    // A machine that slept has missed its timers; the first look at the page makes up for it.
    let woken = window_event_listener_untyped("visibilitychange", move |_| session.check());
    // A page the browser kept for going back: whoever went back need not be who left it.
    let kept = window_event_listener_untyped("pageshow", move |event| {
        if event.unchecked_ref::<PageTransitionEvent>().persisted() {
            session.come_back();
        }
    });
    on_cleanup(move || {
        woken.remove();
        kept.remove();
    });
    session.load();
    session
}

/// The session of this document.
pub fn use_session() -> Session {
    expect_context()
}

/// Whose the things are that this tab keeps, such as drafts.
const WHOSE: &str = "meridian.user";

/// What this tab keeps is one person's: it outlives a session that was lost, and goes when another person signs in.
fn keep_for(user: &str) {
    let Some(kept) = kept_in_tab() else { return };
    if kept.get_item(WHOSE).ok().flatten().as_deref() != Some(user) {
        _ = kept.clear();
        _ = kept.set_item(WHOSE, user);
    }
}

fn kept_in_tab() -> Option<Storage> {
    window().session_storage().ok().flatten()
}

/// On the root element while the page is not to be read: its session is over. The page itself stays as it is.
const CONCEALED: &str = "data-concealed";

fn conceal(is_concealed: bool) {
    if let Some(root) = document().document_element() {
        _ = root.toggle_attribute_with_force(CONCEALED, is_concealed);
    }
}

fn is_concealed() -> bool {
    document().document_element().is_some_and(|root| root.has_attribute(CONCEALED))
}
