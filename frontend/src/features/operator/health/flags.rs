//! Who has which flag, and the dialog that changes it.

use api_types::operator::{
    flags::{FlagState, SetFlag},
    health::HealthReport,
};
use leptos::prelude::*;
use web_sys::Event;

use super::{api, live_moment, part, state::FlagDraft, texts};
use crate::{
    api_client::ApiError,
    asked::Asked,
    ui::{
        BannerKind, El, Held, Sending,
        banner::text_banner,
        choice::{button, labelled, line, text_area},
        derived,
        dialog::titled_dialog,
        el,
        table::{Cell, table},
        toast::ToastBox,
        use_toasts,
    },
};

pub fn section(report: Asked<HealthReport>) -> El {
    let changing =
        Changing { is_open: RwSignal::new(false), asked: Held::new(None), report, toasts: use_toasts() };
    let names: Held<Vec<String>> = derived(move || {
        report.with(|report| {
            report.map(|it| it.flags.iter().map(|flag| flag.name.clone()).collect()).unwrap_or_default()
        })
    });
    // Rows stay while their flag does: a button keeps the focus.
    let rows = move || {
        let rows = names.get().into_iter().map(|name| row(changing, name)).collect();
        vec![table(texts::FLAGS_HEADS, rows).attr("data-testid", "flag-table")]
    };
    let content = el("div").child(el("div").live_children(rows)).child(changing.dialog());
    part(texts::FLAGS, Some(texts::FLAGS_ABOUT), content)
}

fn row(changing: Changing, name: String) -> Vec<Cell> {
    let (label, wanted) = (texts::change_named(&name), name.clone());
    let now: Held<Option<FlagState>> = derived(move || changing.find(&wanted));
    let text = move |of: fn(&FlagState) -> String| {
        let text = derived(move || now.with(|now| now.as_ref().map(of).unwrap_or_default()));
        el("span").live_text(move || text.get())
    };
    let since = derived(move || now.with(|now| Some(now.as_ref()?.set.as_ref()?.changed_at)));
    let change = button("button quiet", texts::CHANGE, move || changing.ask(now.get_untracked()));
    let name = el("span")
        .class("health-stack")
        .child(el("span").class("mono").text(&name))
        .child(text(|flag| flag.says.clone()).class("health-why"));
    vec![
        Cell::El(name),
        Cell::El(text(texts::who_has)),
        Cell::El(live_moment(since, texts::AS_CONFIGURED)),
        Cell::El(text(texts::why_set).class("foreign")),
        Cell::El(change.attr("aria-label", &label)),
    ]
}

/// The dialog, and which flag it is about.
#[derive(Clone, Copy)]
struct Changing {
    is_open: RwSignal<bool>,
    asked: Held<Option<FlagState>>,
    report: Asked<HealthReport>,
    /// Kept, since answers find no context.
    toasts: ToastBox,
}

impl Changing {
    fn find(self, name: &str) -> Option<FlagState> {
        self.report.with(|report| report?.flags.iter().find(|flag| flag.name == name).cloned())
    }

    fn ask(self, flag: Option<FlagState>) {
        self.is_open.set(flag.is_some());
        self.asked.set(flag);
    }

    fn dialog(self) -> El {
        let title = move || {
            self.asked.with(|asked| asked.as_ref().map(|flag| texts::flag(&flag.name)).unwrap_or_default())
        };
        titled_dialog(self.is_open, "dialog", title, move || match self.asked.get_untracked() {
            Some(flag) => self.form(flag),
            None => el("div"),
        })
    }

    fn form(self, flag: FlagState) -> El {
        let sending: Sending<ApiError> = Sending::of_form();
        let draft = Held::new(FlagDraft::of(&flag));
        let name = flag.name.clone();
        let send = move |wanted: SetFlag| {
            let work = {
                let name = name.clone();
                async move { api::set_flag(&name, &wanted).await }
            };
            sending.send(texts::change_named(&name), work, move |_, is_here| {
                self.done(texts::FLAG_SET, is_here)
            });
        };
        let name = flag.name.clone();
        let take_back = button("button", &texts::take_back(flag.configured_percent), move || {
            let name = name.clone();
            let work = async move { api::clear_flag(&name).await };
            let what = texts::TAKE_BACK.to_owned();
            sending.send(what, work, move |(), is_here| self.done(texts::FLAG_TAKEN_BACK, is_here));
        });
        let take_back = flag.set.is_some().then(|| sending.marked(take_back));
        let set = el("button").attr("type", "submit").class("button primary").text(texts::SET_FLAG);
        let cancel = button("button", texts::CANCEL, move || self.is_open.set(false));
        let problem = sending.alert(|error| text_banner(BannerKind::Failure, None, &error.message(), None));
        el("form")
            .class("form")
            .child(el("p").text(&flag.says))
            .child(el("p").class("page-about").text(texts::FLAG_ABOUT))
            .children(fields(draft))
            .child(problem)
            .child(
                el("div").class("form-actions").child(sending.marked(set)).child_if(take_back).child(cancel),
            )
            .on("submit", move |event: Event| {
                event.prevent_default();
                if let Some(wanted) = draft.with_untracked(FlagDraft::wanted) {
                    send(wanted);
                }
            })
    }

    fn done(self, said: &str, is_here: bool) {
        self.toasts.say(said.to_owned());
        if is_here {
            self.is_open.set(false);
        }
        self.report.refetch();
    }
}

fn fields(draft: Held<FlagDraft>) -> Vec<El> {
    let percent = el("input")
        .attr("type", "number")
        .attr("min", "0")
        .attr("max", "100")
        .attr("step", "1")
        .attr("required", "")
        .attr("autofocus", "");
    let area = || el("textarea").attr("rows", "2").attr("spellcheck", "false").attr("autocomplete", "off");
    let on_for = text_area(
        area(),
        move || draft.with(|draft| draft.on_for.clone()),
        move |names| draft.update(|draft| draft.on_for = names),
    );
    let off_for = text_area(
        area(),
        move || draft.with(|draft| draft.off_for.clone()),
        move |names| draft.update(|draft| draft.off_for = names),
    );
    let because = el("input")
        .attr("type", "text")
        .attr("autocomplete", "off")
        .attr("maxlength", "300")
        .attr("required", "");
    vec![
        line(
            texts::PERCENT,
            Some(texts::PERCENT_HINT),
            percent,
            move || draft.with(|draft| draft.percent.clone()),
            move |percent| draft.update(|draft| draft.percent = percent),
        ),
        labelled(texts::ON_FOR, Some(texts::NAMES_HINT), on_for),
        labelled(texts::OFF_FOR, Some(texts::OFF_HINT), off_for),
        line(
            texts::BECAUSE,
            Some(texts::BECAUSE_HINT),
            because,
            move || draft.with(|draft| draft.because.clone()),
            move |because| draft.update(|draft| draft.because = because),
        ),
    ]
}
