//! Every service by region: its circuit, what was last heard of it, and a button to try it.

use api_types::operator::health::{HealthReport, ProbeService, ServiceReport};
use leptos::{prelude::*, task::spawn_local};

use super::{api, live_moment, live_state, part, state, texts};
use crate::{
    asked::Asked,
    ui::{
        El, Held, Icon, derived, el,
        element::icon,
        table::{Cell, table},
        use_toasts,
    },
};

/// Which row it is.
type Key = (String, Option<String>);

pub fn section(report: Asked<HealthReport>) -> El {
    let keys: Held<Vec<Key>> = derived(move || {
        let key = |service: &ServiceReport| (service.service.clone(), service.region.clone());
        report.with(|report| report.map(|it| it.services.iter().map(key).collect()).unwrap_or_default())
    });
    // Rows stay while their service does: a button keeps the focus.
    let rows = move || {
        let keys = keys.get();
        if keys.is_empty() {
            return vec![el("p").class("nothing").text(texts::NO_SERVICES)];
        }
        let rows = keys.into_iter().map(|key| row(report, key)).collect();
        vec![table(texts::SERVICES_HEADS, rows).attr("data-testid", "service-table")]
    };
    part(texts::SERVICES, Some(texts::SERVICES_ABOUT), el("div").live_children(rows))
}

fn row(report: Asked<HealthReport>, key: Key) -> Vec<Cell> {
    let (service, region) = key.clone();
    let now: Held<Option<ServiceReport>> = derived(move || {
        let is_it = |it: &&ServiceReport| it.service == key.0 && it.region == key.1;
        report.with(|report| report?.services.iter().find(is_it).cloned())
    });
    let circuit = derived(move || {
        now.with(|now| now.as_ref().map_or_else(|| state::Shown::rest(texts::UNKNOWN), state::service))
    });
    let answered_at = derived(move || now.with(|now| now.as_ref()?.answered_at));
    let failed_at = derived(move || now.with(|now| now.as_ref()?.failed_at));
    let failure = derived(move || {
        now.with(|now| {
            let now = now.as_ref()?;
            Some(texts::failure(now.failure.as_deref()?, now.failure_status))
        })
    });
    let why = el("span").class("health-why").live_text(move || failure.get().unwrap_or_default());
    let elsewhere = derived(move || {
        let name = |it: &api_types::operator::health::CircuitElsewhere| {
            format!("{}: {}", it.node, state::circuit_word(it.circuit))
        };
        let names: Vec<String> =
            now.with(|now| now.iter().flat_map(|now| now.elsewhere.iter().map(name)).collect());
        if names.is_empty() { texts::ALL_CLOSED.to_owned() } else { names.join(", ") }
    });
    let name = el("span")
        .class("health-name")
        .attr("data-service", &service)
        .attr_if("data-region", region.as_deref())
        .child(el("span").text(&texts::service_name(&service)))
        .child_if(region.as_deref().map(|region| el("span").class("health-region foreign").text(region)));
    vec![
        Cell::El(name),
        Cell::El(live_state(circuit)),
        Cell::El(live_moment(answered_at, texts::NEVER)),
        Cell::El(el("span").class("health-stack").child(live_moment(failed_at, texts::NONE)).child(why)),
        Cell::El(
            el("span")
                .class("health-elsewhere foreign")
                .live_class("nothing", move || elsewhere.with(|elsewhere| elsewhere == texts::ALL_CLOSED))
                .live_text(move || elsewhere.get()),
        ),
        Cell::El(probe_button(report, ProbeService { service, region })),
    ]
}

fn probe_button(report: Asked<HealthReport>, wanted: ProbeService) -> El {
    let toasts = use_toasts();
    let is_busy = RwSignal::new(false);
    let name = texts::named(&wanted.service, wanted.region.as_deref());
    let label = texts::probe_named(&wanted.service, wanted.region.as_deref());
    let probe = move |_| {
        if is_busy.get_untracked() {
            return;
        }
        is_busy.set(true);
        let (wanted, name) = (wanted.clone(), name.clone());
        spawn_local(async move {
            match api::probe(&wanted).await {
                Ok(probed) => match &probed.error {
                    None => {
                        let circuit = state::circuit_word(probed.circuit);
                        toasts.say(texts::answered(&name, probed.status, probed.took_ms, circuit));
                    }
                    Some(error) => {
                        let why = texts::failure(error, probed.status);
                        toasts.fail(texts::not_answered(&name, &why), None);
                    }
                },
                Err(error) => toasts.fail(error.message(), error.request_id().map(str::to_owned)),
            }
            _ = is_busy.try_set(false);
            report.refetch();
        });
    };
    el("button")
        .attr("type", "button")
        .class("button quiet")
        .attr("aria-label", &label)
        .live_class("busy", move || is_busy.get())
        .live_attr("aria-disabled", move || is_busy.get().then(|| "true".to_owned()))
        .child(icon(Icon::Refresh))
        .text(texts::PROBE)
        .on("click", probe)
}
