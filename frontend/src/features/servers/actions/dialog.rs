//! What asks before something is done: what is lost, which servers, a word where much is at stake, and whatever else
//! the action needs to know. It stays until the cloud has taken it on, so that nothing typed is lost when it refuses.

use std::rc::Rc;

use api_types::{
    ProjectId,
    jobs::{Confirmation, ItemResult, Job, JobItem, confirmation},
    servers::action::Danger,
};
use leptos::{prelude::*, task::spawn_local};

use super::{
    catalog::has_form,
    forms::{Form, form},
    lost::what_is_lost,
    send::{Sender, new_key},
    tally::Tally,
    texts,
};
use crate::{
    api_client::ApiError,
    explain::{Fault, Traces, explained},
    features::servers::{
        acting::{ActionWanted, use_acting},
        store::use_servers_store,
    },
    jobs::{
        follow::{Outcome, why},
        texts::{impossible, titled},
        use_jobs,
    },
    project::use_project,
    ui::{
        BannerKind, El, Held, Icon, banner::banner, dialog::titled_dialog, effect::after, el, element::icon,
        field::text_field, use_toasts,
    },
};

/// The dialog, whenever something is wanted that has to be asked; what needs no question is done at once.
pub fn dialog_layer() -> El {
    let acting = use_acting();
    let sender = Sender { acting, store: use_servers_store(), jobs: use_jobs() };
    let (project, toasts) = (use_project(), use_toasts());
    let open = RwSignal::new(false);
    let asked: Held<Option<Rc<Asked>>> = Held::new(None);
    after(move || {
        let Some(wanted) = acting.action().get() else { return };
        acting.acted();
        let Some(project) = project.get_untracked() else { return };
        if wanted.servers.is_empty() {
            return;
        }
        if needs_no_question(&wanted)
            && let Some(action) = super::forms::plain(wanted.kind)
        {
            spawn_local(async move {
                if let Err(error) = sender.send(&project, action, &wanted.servers, &new_key(), None).await {
                    let text = format!("{}: {}", wanted.title(), error.message());
                    toasts.fail(text, error.request_id().map(str::to_owned));
                }
            });
            return;
        }
        asked.set(Some(Rc::new(Asked { wanted, project })));
        open.set(true);
    });
    let title = move || {
        asked.with(|asked| {
            let wanted = asked.as_ref().map(|asked| &asked.wanted);
            wanted.map(|wanted| wanted.question()).unwrap_or_default()
        })
    };
    titled_dialog(open, "dialog action-dialog", title, move || {
        let Some(asked) = asked.get_untracked() else { return el("div") };
        content(asked, sender, open)
    })
}

/// What the dialog is about.
pub struct Asked {
    pub wanted: Rc<ActionWanted>,
    pub project: ProjectId,
}

/// What went wrong.
#[derive(Clone)]
enum Problem {
    /// The panel did not take it.
    Refused(ApiError),
    /// The cloud did not do it.
    NotDone(Box<JobItem>),
}

fn content(asked: Rc<Asked>, sender: Sender, open: RwSignal<bool>) -> El {
    let wanted = asked.wanted.clone();
    let form = Rc::new(form(&asked));
    let word = Word::of(&wanted);
    let problem: Held<Option<Problem>> = Held::new(None);
    let is_busy = RwSignal::new(false);
    let key = StoredValue::new(new_key());
    let toasts = use_toasts();
    let fields = form.take_fields();
    let word_field = word.as_ref().map(Word::field);
    let submit = move || {
        if is_busy.get_untracked() {
            return;
        }
        let read = form.read();
        let given = word.as_ref().map(Word::read);
        let (Some(action), None | Some(Some(_))) = (read, &given) else { return };
        let given = given.flatten();
        is_busy.set(true);
        problem.set(None);
        let asked = asked.clone();
        spawn_local(async move {
            let servers = &asked.wanted.servers;
            let sent = sender.send(&asked.project, action, servers, &key.get_value(), given).await;
            let found = came_of(sent, servers.len(), sender).await;
            _ = is_busy.try_set(false);
            let Some((found, is_over)) = found else {
                _ = open.try_set(false);
                return;
            };
            if is_over {
                _ = key.try_set_value(new_key());
            }
            // Whoever closed the dialog meanwhile is told all the same.
            if open.try_get_untracked() != Some(true) || key.is_disposed() {
                toasts.fail(format!("{}: {}", asked.wanted.title(), found.sentence()), found.request_id());
            } else {
                problem.set(Some(found));
            }
        });
    };
    let submit_label = texts::submit(wanted.kind);
    let is_grave = wanted.kind.danger() == Danger::Destroys;
    let button = el("button")
        .attr("type", "submit")
        .class(if is_grave { "button danger" } else { "button primary" })
        .attr("data-testid", "do-it")
        .live_class("busy", move || is_busy.get())
        .live_attr("aria-disabled", move || is_busy.get().then(|| "true".to_owned()))
        .text(submit_label);
    let cancel = el("button")
        .attr("type", "button")
        .class("button")
        .text(texts::CANCEL)
        .on("click", move |_| open.set(false));
    // The safe way out is what Enter and the first press find, where something is lost and nothing is typed.
    let cancel = cancel.attr_if("autofocus", (is_grave && word_field.is_none()).then_some(""));
    el("form")
        .class("form")
        .attr("novalidate", "")
        .children(about(&wanted))
        .children(fields)
        .child_if(word_field)
        .child(
            el("div")
                .attr("role", "alert")
                .live_children(move || problem.get().iter().map(Problem::drawn).collect()),
        )
        .child(el("div").class("form-actions end").child(cancel).child(button))
        .on("submit", move |event| {
            event.prevent_default();
            submit();
        })
}

/// What came of it: nothing to tell, or the problem and whether asking again is a new request.
async fn came_of(sent: Result<Job, ApiError>, count: usize, sender: Sender) -> Option<(Problem, bool)> {
    match sent {
        Ok(_) if count > 1 => None,
        Ok(job) => match sender.jobs.outcome(&job.id).await {
            Outcome::NotDone(item) => Some((Problem::NotDone(item), true)),
            Outcome::Done | Outcome::StillRunning => None,
        },
        Err(error) => {
            // Where no answer came, the first request may have arrived: the same key does not do it twice.
            let is_over = matches!(&error, ApiError::Refused { status, .. } if *status < 500);
            Some((Problem::Refused(error), is_over))
        }
    }
}

/// What is lost, which servers, and which of them are left out.
fn about(wanted: &ActionWanted) -> Vec<El> {
    let (kind, servers) = (wanted.kind, &wanted.servers);
    let lost = what_is_lost(kind, servers.len() == 1);
    let is_grave = kind.danger() == Danger::Destroys;
    let lost = (!lost.is_empty()).then(|| match is_grave {
        true => banner(
            BannerKind::Warning,
            el("div").class("banner-text").text(lost),
            el("div").class("banner-actions"),
        ),
        false => el("p").text(lost),
    });
    if servers.len() == 1 {
        return lost.into_iter().collect();
    }
    const NAMED: usize = 6;
    let able: Vec<_> = servers.iter().filter(|server| kind.check(server.now()).is_ok()).collect();
    let named = able.iter().take(NAMED).map(|server| el("li").class("foreign").text(&server.shown_name()));
    let more = able.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| el("li").class("more").text(&texts::and_more(more)));
    let names = el("ul").class("action-names").children(named.chain(more).collect());
    let left_out = Tally::of(servers).left_out(kind);
    let left_out = (!left_out.is_empty()).then(|| {
        let lines = left_out.iter().map(|(because, count)| el("li").text(&texts::left_out(*count, because)));
        el("div")
            .class("action-left-out")
            .attr("data-testid", "left-out")
            .child(icon(Icon::Info))
            .child(el("div").child(el("p").text(texts::ONLY_THOSE)).child(el("ul").children(lines.collect())))
    });
    lost.into_iter().chain([names]).chain(left_out).collect()
}

/// The word to type where much is at stake.
struct Word {
    word: String,
    typed: RwSignal<String>,
    error: Held<Option<String>>,
}

impl Word {
    fn of(wanted: &ActionWanted) -> Option<Self> {
        match confirmation(wanted.kind, wanted.servers.len()) {
            Confirmation::Word { word } => {
                Some(Self { word, typed: RwSignal::new(String::new()), error: Held::new(None) })
            }
            Confirmation::None | Confirmation::Dialog => None,
        }
    }

    fn field(&self) -> El {
        let label = format!("{} “{}” {}", texts::TYPE, self.word, texts::TO_CONFIRM);
        let input = el("input").attr("autocomplete", "off").attr("spellcheck", "false").attr("autofocus", "");
        text_field(&label, input.attr("name", "word"), self.typed, self.error)
    }

    /// The word, where it was typed; else says so at the field.
    fn read(&self) -> Option<String> {
        let is_right = self.typed.get_untracked().trim().eq_ignore_ascii_case(&self.word);
        self.error.set((!is_right).then(|| texts::type_the_word(&self.word)));
        is_right.then(|| self.word.clone())
    }
}

impl Problem {
    fn drawn(&self) -> El {
        let inside = match self {
            Self::Refused(error) => {
                let traces =
                    Traces { request_id: error.request_id().map(str::to_owned), ..Traces::default() };
                let words = error.message();
                explained(Fault { status: None, code: error.code(), words: &words }, &traces)
            }
            Self::NotDone(item) => {
                let traces = Traces {
                    request_id: item.request_id.clone(),
                    upstream_request_id: item.upstream_request_id.clone(),
                };
                match &item.result {
                    ItemResult::Failed { error } => {
                        let words = error.upstream_message.as_deref().unwrap_or(&error.error.message);
                        let code = &error.error.code;
                        explained(Fault { status: error.upstream_status, code, words }, &traces)
                    }
                    ItemResult::Skipped { because } => el("p").text(&impossible(because)),
                    _ => el("p").text(&why(item)),
                }
            }
        };
        let text = el("div").class("banner-text").child(inside);
        banner(BannerKind::Failure, text, el("div").class("banner-actions"))
            .attr("data-testid", "action-failed")
    }

    fn sentence(&self) -> String {
        match self {
            Self::Refused(error) => error.message(),
            Self::NotDone(item) => why(item),
        }
    }

    fn request_id(&self) -> Option<String> {
        match self {
            Self::Refused(error) => error.request_id().map(str::to_owned),
            Self::NotDone(item) => item.request_id.clone(),
        }
    }
}

impl ActionWanted {
    /// The name of the server, where it is one only.
    fn name(&self) -> Option<String> {
        match &*self.servers {
            [one] => Some(one.shown_name()),
            _ => None,
        }
    }

    fn able(&self) -> usize {
        Tally::of(&self.servers).possible(self.kind)
    }

    fn title(&self) -> String {
        titled(self.kind, self.name().as_deref(), self.able())
    }

    /// A question where it only has to be confirmed, else what is going to be filled in.
    fn question(&self) -> String {
        if has_form(self.kind) {
            self.title()
        } else {
            texts::question(self.kind, self.name().as_deref(), self.able())
        }
    }
}

fn needs_no_question(wanted: &ActionWanted) -> bool {
    !has_form(wanted.kind) && confirmation(wanted.kind, wanted.servers.len()) == Confirmation::None
}

impl Form {
    fn take_fields(&self) -> Vec<El> {
        self.fields.take()
    }

    fn read(&self) -> Option<api_types::servers::action::ServerAction> {
        (self.read)()
    }
}
