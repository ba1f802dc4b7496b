//! One person: where they are signed in, what went wrong for them, what they work in.

use api_types::{
    jobs::{Job, JobState},
    operator::{
        customers::{CustomerSession, CustomerUser, Person},
        flags::CustomerFlag,
        logs::LogLine,
    },
};
use leptos::prelude::*;

use super::{
    api,
    failures::failures_view,
    followed, keystone_note,
    lines::line_table,
    live_card, nothing,
    place::{PATH, project_href},
    refusal,
    rows::{project_rows, state_of},
    support::Support,
    texts,
};
use crate::{
    api_client::ApiError,
    asked::{Asked, ask},
    features::operator::logs::LogAddress,
    jobs::texts::titled,
    ui::{
        Above, El, Held, Icon, Page, Sending,
        choice::button,
        copy_button::copy_button,
        derived,
        description::description,
        dialog::titled_dialog,
        el,
        element::icon,
        page::page_header,
        table::{Cell, table},
        use_toasts,
    },
};

pub fn user_page(id: String) -> impl IntoView {
    let page = ask(move |until| Some(Box::pin(api::show_user(id.clone(), until))));
    let name = derived(move || page.with(|page| page.map(|page| page.person.name.clone())));
    let title = Signal::derive(move || name.get().unwrap_or_else(|| texts::PERSON.to_owned()));
    let (support, ending) = (Support::new(), Ending::new(page));
    let above = Above { label: texts::TITLE, href: Signal::stored(PATH.to_owned()) };
    let body = el("div")
        .class("page-body customers-page")
        .attr("data-testid", "customer")
        .child(followed(page, move || parts(page, support, ending)))
        .child(support.dialog())
        .child(ending.dialog());
    view! { <Page title>{vec![page_header(title, Some(above), Vec::new(), Vec::new()), body]}</Page> }
}

fn parts(page: Asked<CustomerUser>, support: Support, ending: Ending) -> El {
    let again = Callback::new(move |()| page.refetch());
    let note = move || page.with(|user| keystone_note(user?.keystone_refused.as_ref())).into_iter().collect();
    let days = || {
        let days = move || page.with(|user| user.map(|user| texts::days(user.days)).unwrap_or_default());
        Some(el("p").class("page-about").live_text(days))
    };
    let person = card_of(page, texts::PERSON, None, |user| user.person.clone(), facts);
    let sign_in = card_of(
        page,
        texts::SIGN_IN,
        None,
        |user| user.failures.clone(),
        move |failures| match failures {
            Some(failures) => failures_view(failures, again),
            None => nothing(texts::NO_FAILURES),
        },
    );
    let sessions = card_of(
        page,
        texts::SESSIONS,
        None,
        |user| (user.person.name.clone(), user.sessions.clone()),
        move |(name, sessions)| match &**sessions {
            [] => nothing(texts::NO_SESSIONS),
            sessions => {
                let rows = sessions.iter().map(|session| session_row(session, name, ending)).collect();
                table(texts::SESSION_HEADS, rows).attr("data-testid", "customer-sessions")
            }
        },
    );
    let projects = card_of(
        page,
        texts::PROJECTS,
        None,
        |user| (user.person.name.clone(), user.projects.clone()),
        move |(name, projects)| match &**projects {
            [] => nothing(texts::NO_PROJECTS),
            projects => table(texts::PROJECT_HEADS, project_rows(projects, support, Some(name)))
                .attr("data-testid", "project-table"),
        },
    );
    let flags_about = el("p").class("page-about").text(texts::FLAGS_ABOUT);
    let flags = card_of(
        page,
        texts::FLAGS,
        Some(flags_about),
        |user| user.flags.clone(),
        |flags| {
            let rows = flags.iter().map(flag_row).collect();
            table(texts::FLAG_HEADS, rows).attr("data-testid", "customer-flags")
        },
    );
    let errors =
        card_of(page, texts::ERRORS, days(), |user| (user.person.clone(), user.errors.clone()), errors);
    let calls = card_of(
        page,
        texts::CALLS,
        days(),
        |user| user.calls.clone(),
        |calls| match &**calls {
            [] => nothing(texts::NO_CALLS),
            calls => line_table(calls, "customer-calls"),
        },
    );
    let jobs = card_of(
        page,
        texts::JOBS,
        None,
        |user| user.jobs.clone(),
        |jobs| match &**jobs {
            [] => nothing(texts::NO_JOBS),
            jobs => table(texts::JOB_HEADS, jobs.iter().map(job_row).collect()),
        },
    );
    el("div")
        .class("customer-parts")
        .child(el("div").class("customer-notes").live_children(note))
        .child(el("div").class("customer-pair").child(person).child(sign_in))
        .children(vec![sessions, projects, errors, calls, jobs, flags])
}

fn card_of<T: PartialEq + 'static>(
    page: Asked<CustomerUser>,
    title: &str,
    about: Option<El>,
    shown: fn(&CustomerUser) -> T,
    draw: impl Fn(&T) -> El + 'static,
) -> El {
    live_card(title, about, move || page.with(|user| user.map(shown)), draw)
}

fn facts(person: &Person) -> El {
    let id = el("span").class("foreign mono").text(&person.id).text(" ");
    description(vec![
        (texts::ID, id.child(copy_button(person.id.clone(), "Copy the id".to_owned()))),
        (texts::DOMAIN, el("span").class("foreign").text(&person.domain)),
        (texts::STATE, state_of(person.is_enabled)),
    ])
}

fn errors((person, errors): &(Person, Vec<LogLine>)) -> El {
    let errors = match &**errors {
        [] => nothing(texts::NO_ERRORS),
        errors => line_table(errors, "customer-errors"),
    };
    let all = el("a")
        .class("button")
        .attr("href", &LogAddress::of_user(&person.name, Some(&person.id)).href())
        .child(icon(Icon::Search))
        .text(texts::ALL_LINES);
    el("div").child(errors).child(el("p").child(all))
}

fn session_row(session: &CustomerSession, user: &str, ending: Ending) -> Vec<Cell> {
    let lines = el("a")
        .attr("href", &LogAddress::of_session(&session.short, Some(user)).href())
        .attr("aria-label", &format!("{} {}", texts::LINES_OF_SESSION, session.short))
        .text(texts::LINES_OF_SESSION);
    let end = if session.is_current {
        el("span").class("badge").text(texts::OWN)
    } else {
        let asked = Some((user.to_owned(), session.clone()));
        button("button quiet", texts::END, move || ending.ask(asked.clone()))
            .attr("aria-label", &texts::end_named(&session.browser, &session.address))
    };
    vec![
        Cell::Text(session.browser.clone()),
        Cell::Mono(session.address.clone()),
        Cell::Moment(session.created_at),
        Cell::Moment(session.last_seen_at),
        Cell::El(lines),
        Cell::El(end),
    ]
}

fn job_row(job: &Job) -> Vec<Cell> {
    let state = match job.state {
        JobState::Planned => "Planned",
        JobState::Running => "Running",
        JobState::Paused => "Paused",
        JobState::Canceled => "Canceled",
        JobState::Done if job.counts.failed + job.counts.uncertain > 0 => "Done, with failures",
        JobState::Done => "Done",
    };
    let project = el("a").class("foreign").attr("href", &project_href(&job.project)).text(&job.project_name);
    vec![
        Cell::Text(titled(job.action, job.server_name.as_deref(), job.counts.total as usize)),
        Cell::El(project),
        Cell::El(el("span").class("numbers").text(&job.counts.total.to_string())),
        Cell::Text(state.to_owned()),
        Cell::Moment(job.created_at),
    ]
}

fn flag_row(flag: &CustomerFlag) -> Vec<Cell> {
    let state = if flag.is_on { texts::ON } else { texts::OFF };
    vec![
        Cell::Mono(flag.name.clone()),
        Cell::Text(flag.says.clone()),
        Cell::Text(state.to_owned()),
        Cell::Text(texts::flag_why(flag)),
    ]
}

/// Asks before a session is ended.
#[derive(Clone, Copy)]
struct Ending {
    is_open: RwSignal<bool>,
    asked: Held<Option<(String, CustomerSession)>>,
    page: Asked<CustomerUser>,
}

impl Ending {
    fn new(page: Asked<CustomerUser>) -> Self {
        Self { is_open: RwSignal::new(false), asked: Held::new(None), page }
    }

    fn ask(self, asked: Option<(String, CustomerSession)>) {
        self.asked.set(asked);
        self.is_open.set(true);
    }

    fn dialog(self) -> El {
        let title = move || {
            self.asked.with(|asked| {
                asked.as_ref().map(|(_, session)| texts::end_question(&session.browser)).unwrap_or_default()
            })
        };
        titled_dialog(self.is_open, "dialog", title, move || match self.asked.get_untracked() {
            Some((user, session)) => self.question(&user, &session),
            None => el("div"),
        })
    }

    fn question(self, user: &str, session: &CustomerSession) -> El {
        let toasts = use_toasts();
        let sending: Sending<ApiError> = Sending::of_form();
        let id = session.id.clone();
        let end = button("button danger", texts::END_SESSION, move || {
            if sending.is_busy_untracked() {
                return;
            }
            sending.send(texts::END_SESSION.to_owned(), api::end_session(id.clone()), move |(), is_here| {
                toasts.say(texts::SESSION_ENDED);
                if is_here {
                    self.is_open.set(false);
                }
                self.page.refetch();
            });
        });
        let cancel = button("button", texts::CANCEL, move || self.is_open.set(false)).attr("autofocus", "");
        el("div")
            .class("form")
            .child(el("p").class("foreign").text(&texts::end_text(user, &session.address)))
            .child(refusal(sending))
            .child(el("div").class("form-actions").child(sending.marked(end)).child(cancel))
    }
}
