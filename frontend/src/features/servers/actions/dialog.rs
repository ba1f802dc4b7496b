//! What asks before something is done: what is lost, which servers, a word where much is at stake, and whatever else
//! the action needs to know. It stays until the cloud has taken it on, so that nothing typed is lost when it refuses.

use std::rc::Rc;

use api_types::{
    ProjectId,
    jobs::{Confirmation, Job, confirmation},
    servers::action::Danger,
};
use leptos::{prelude::*, task::spawn_local};

use super::{
    catalog::has_form,
    forms::form,
    lost::{goes_with_it, what_is_lost},
    problem::Problem,
    send::{Sender, new_key},
    tally::Tally,
    texts,
    word::Word,
};
use crate::{
    analytics::{Counted, count},
    api_client::ApiError,
    features::servers::{
        acting::{ActionWanted, use_acting},
        store::use_servers_store,
    },
    jobs::{follow::Outcome, texts::titled, use_jobs},
    project::use_project,
    ui::{
        BannerKind, El, Held, Icon, Sending, banner::banner, dialog::titled_dialog, effect::after, el,
        element::icon, use_toasts,
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
        count(Counted::Shown, wanted.kind.name());
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

fn content(asked: Rc<Asked>, sender: Sender, open: RwSignal<bool>) -> El {
    let wanted = asked.wanted.clone();
    let form = Rc::new(form(&asked));
    let word = Word::of(&wanted);
    let sending = Sending::of_form();
    let key = StoredValue::new(new_key());
    let fields = form.take_fields();
    let word_field = word.as_ref().map(|word| word.field(!has_form(wanted.kind)));
    let is_ready = {
        let form = form.clone();
        move || form.is_ready()
    };
    let about = about(&asked);
    let submit = move || {
        if sending.is_busy_untracked() || !untrack(|| form.is_ready()) {
            return;
        }
        let read = form.read();
        let given = word.as_ref().map(Word::read);
        let (Some(action), None | Some(Some(_))) = (read, &given) else { return };
        let (asked, given, own_key) = (asked.clone(), given.flatten(), key.get_value());
        let what = asked.wanted.title();
        let work = async move {
            let servers = &asked.wanted.servers;
            let sent = sender.send(&asked.project, action, servers, &own_key, given).await;
            let Some(problem) = came_of(sent, servers.len(), sender).await else {
                count(Counted::Executed, asked.wanted.kind.name());
                return Ok(());
            };
            // Where no answer came, the first request may have arrived: the same key does not do it twice.
            if problem.is_answered() {
                _ = key.try_set_value(new_key());
            }
            Err(problem)
        };
        sending.send(what, work, move |(), is_here| {
            if is_here {
                open.set(false);
            }
        });
    };
    let submit_label = texts::submit(wanted.kind);
    let is_grave = wanted.kind.danger() == Danger::Destroys;
    let button = el("button")
        .attr("type", "submit")
        .class(if is_grave { "button danger" } else { "button primary" })
        .attr("data-testid", "do-it")
        .live_class("busy", move || sending.is_busy())
        .live_attr("aria-disabled", move || (sending.is_busy() || !is_ready()).then(|| "true".to_owned()))
        .text(submit_label);
    let cancel = el("button")
        .attr("type", "button")
        .class("button")
        .text(texts::CANCEL)
        .on("click", move |_| open.set(false));
    el("form")
        .class("form")
        .attr("novalidate", "")
        .children(about)
        .children(fields)
        .child_if(word_field)
        .child(sending.alert(Problem::drawn))
        .child(el("div").class("form-actions end").child(cancel).child(button))
        .on("submit", move |event| {
            event.prevent_default();
            submit();
        })
}

/// What came of it, where there is something to tell.
async fn came_of(sent: Result<Job, ApiError>, count: usize, sender: Sender) -> Option<Problem> {
    match sent {
        Ok(_) if count > 1 => None,
        Ok(job) => match sender.jobs.outcome(&job.id).await {
            Outcome::NotDone(item) => Some(Problem::NotDone(item)),
            Outcome::Done | Outcome::StillRunning => None,
        },
        Err(error) if error.code() == "job_key_used" => {
            // The first request is in the tray, with what came of it.
            sender.jobs.refresh().await;
            Some(Problem::FirstArrived(error))
        }
        Err(error) => Some(Problem::Refused(error)),
    }
}

/// What is lost, which servers, and which of them are left out.
fn about(asked: &Asked) -> Vec<El> {
    let wanted = &asked.wanted;
    let (kind, servers) = (wanted.kind, &wanted.servers);
    let lost = what_is_lost(kind, servers.len() == 1);
    let is_grave = kind.danger() == Danger::Destroys;
    let lost = (!lost.is_empty()).then(|| match is_grave {
        true => {
            let text = el("div").class("banner-text").text(lost).child_if(goes_with_it(asked));
            banner(BannerKind::Warning, text, el("div").class("banner-actions"))
        }
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
