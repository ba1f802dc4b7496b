//! What a server is: the facts, its size, what it was made from.

use api_types::servers::{Flavor, Image, ServerDetail, ServerRow};
use leptos::prelude::*;

use super::detail_part::Section;
use crate::{
    features::servers::{detail_page::ShownServer, detail_state::power_word, detail_texts as texts},
    ui::{CopyButton, Description, DescriptionItem, RelativeTime, format},
};

#[component]
pub fn OverviewTab(server: ShownServer) -> impl IntoView {
    view! {
        <div class="cards">
            <Facts server />
            <div class="cards-column">
                <FlavorCard server />
                <ImageCard server />
            </div>
        </div>
    }
}

#[component]
fn Facts(server: ShownServer) -> impl IntoView {
    let of_row = move |read: fn(&ServerRow) -> Option<String>| {
        Memo::new(move |_| server.row.read().as_ref().and_then(read).unwrap_or_else(unknown))
    };
    let of_detail = move |read: fn(&ServerDetail) -> Option<String>| {
        Memo::new(move |_| server.detail.read().as_ref().and_then(read).unwrap_or_else(unknown))
    };
    let moment = move |at: Option<u32>| match at.filter(|at| *at > 0) {
        Some(at) => view! { <RelativeTime at=i64::from(at) /> }.into_any(),
        None => texts::UNKNOWN.into_any(),
    };
    let created = Memo::new(move |_| server.row.read().as_ref().map(|row| row.created_at));
    let updated = Memo::new(move |_| server.row.read().as_ref().map(|row| row.updated_at));
    let launched = Memo::new(move |_| server.detail.read().as_ref().and_then(|detail| detail.launched_at));
    let region = move || server.region.get().map(String::from);
    let locked = Memo::new(move |_| {
        let is_locked = server.row.read().as_ref().is_some_and(|row| row.is_locked);
        let detail = server.detail.read();
        let reason = detail.as_ref().and_then(|detail| detail.locked_reason.as_deref());
        is_locked.then(|| texts::locked_because(reason))
    });
    view! {
        <Section title=texts::SERVER>
            <Description>
                <Copied name=texts::ID value=of_row(|row| Some(row.id.to_string())) is_mono=true />
                <DescriptionItem name=texts::DESCRIPTION>
                    <span class="foreign">{of_detail(|detail| text(detail.description.as_deref()))}</span>
                </DescriptionItem>
                <DescriptionItem name=texts::REGION>{region}</DescriptionItem>
                <DescriptionItem name=texts::ZONE>
                    <span class="foreign">{of_row(|row| text(row.availability_zone.as_deref()))}</span>
                </DescriptionItem>
                <DescriptionItem name=texts::CREATED>{move || moment(created.get())}</DescriptionItem>
                <DescriptionItem name=texts::UPDATED>{move || moment(updated.get())}</DescriptionItem>
                <DescriptionItem name=texts::LAUNCHED>{move || moment(launched.get())}</DescriptionItem>
                <DescriptionItem name=texts::POWER>
                    {of_detail(|detail| Some(power_word(detail.power_state).to_owned()))}
                </DescriptionItem>
                <DescriptionItem name=texts::VM_STATE>
                    <span class="foreign">{of_detail(|detail| text(detail.vm_state.as_deref()))}</span>
                </DescriptionItem>
                <DescriptionItem name=texts::LOCKED>
                    <span class="foreign">{move || locked.get().unwrap_or_else(|| texts::NO.to_owned())}</span>
                </DescriptionItem>
                <DescriptionItem name=texts::KEY>
                    <span class="foreign">{of_detail(|detail| text(detail.key_name.as_deref()))}</span>
                </DescriptionItem>
                <DescriptionItem name=texts::CONFIG_DRIVE>
                    {of_detail(|detail| detail.config_drive.map(yes_or_no))}
                </DescriptionItem>
                <Copied name=texts::USER value=of_detail(|detail| text(detail.user_id.as_deref())) is_mono=true />
                <Copied name=texts::HOST value=of_detail(|detail| text(detail.host_id.as_deref())) is_mono=true />
            </Description>
        </Section>
    }
}

#[component]
fn FlavorCard(server: ShownServer) -> impl IntoView {
    let flavor = Memo::new(move |_| server.row.read().as_ref().and_then(|row| row.flavor.clone()));
    let content = move |flavor: Flavor| {
        let disk = match flavor.disk_gib {
            0 => texts::NO_DISK.to_owned(),
            disk => format!("{} GiB", format::number(u64::from(disk))),
        };
        view! {
            <Description>
                <DescriptionItem name=texts::NAME>
                    <span class="foreign">{flavor.name}</span>
                </DescriptionItem>
                <DescriptionItem name=texts::VCPUS>{flavor.vcpus}</DescriptionItem>
                <DescriptionItem name=texts::RAM>{format::memory(flavor.ram_mib)}</DescriptionItem>
                <DescriptionItem name=texts::DISK>{disk}</DescriptionItem>
            </Description>
        }
    };
    view! {
        <Section title=texts::FLAVOR>
            {move || match flavor.get() {
                Some(flavor) => content(flavor).into_any(),
                None => view! { <p class="nothing">{texts::NO_FLAVOR}</p> }.into_any(),
            }}
        </Section>
    }
}

#[component]
fn ImageCard(server: ShownServer) -> impl IntoView {
    // The list knows an image by name; its id comes with the rest.
    let image = Memo::new(move |_| {
        let detail = server.detail.read();
        let row = server.row.read();
        detail
            .as_ref()
            .map(|detail| detail.row.image.clone())
            .or_else(|| row.as_ref().map(|row| row.image.clone()))
    });
    let named = |name: String, id: String| {
        let id = Signal::stored(id);
        view! {
            <Description>
                <DescriptionItem name=texts::NAME>
                    <span class="foreign">{name}</span>
                </DescriptionItem>
                <Show when=move || !id.read().is_empty()>
                    <Copied name=texts::IMAGE_ID value=id is_mono=true />
                </Show>
            </Description>
        }
    };
    view! {
        <Section title=texts::IMAGE>
            {move || match image.get() {
                None => ().into_any(),
                Some(Image::Volume) => view! { <p class="nothing">{texts::FROM_VOLUME}</p> }.into_any(),
                Some(Image::Named { id, name }) => named(name, id).into_any(),
                Some(Image::Unnamed { id }) => named(texts::IMAGE_GONE.to_owned(), id).into_any(),
            }}
        </Section>
    }
}

/// A value one may want elsewhere.
#[component]
fn Copied(
    name: &'static str,
    #[prop(into)] value: Signal<String>,
    #[prop(optional)] is_mono: bool,
) -> impl IntoView {
    view! {
        <DescriptionItem name>
            <span class="foreign" class:mono=is_mono>
                {value}
            </span>
            <Show when=move || *value.read() != texts::UNKNOWN>
                " " <CopyButton text=value what=texts::copy(name) />
            </Show>
        </DescriptionItem>
    }
}

fn text(value: Option<&str>) -> Option<String> {
    value.filter(|value| !value.trim().is_empty()).map(str::to_owned)
}

fn unknown() -> String {
    texts::UNKNOWN.to_owned()
}

fn yes_or_no(value: bool) -> String {
    if value { texts::YES } else { texts::NO }.to_owned()
}
