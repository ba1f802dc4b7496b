//! Snapshots of volumes.

use serde_json::{Value, json};
use uuid::Uuid;

use super::view::{next_link, snapshot_json};
use super::volumes::{page, with_volume};
use super::{Context, metadata, quotas, text};
use crate::clock::whole_seconds;
use crate::errors::cinder;
use crate::http::{Answer, HTML_UTF8, Handled};
use crate::ids;
use crate::volume::{FAILS, Snapshot, Volume};

/// `GET /snapshots` and `/snapshots/detail`, newest first.
pub fn list_snapshots(context: &Context<'_>, is_detailed: bool) -> Handled {
    let mut store = context.region.volumes.write();
    store.settle(context.call.now);
    let volume_id = context.call.query_value("volume_id");
    let mut snapshots = store.list_snapshots(context.listed_project());
    snapshots.retain(|snapshot| volume_id.is_none_or(|asked| snapshot.volume_id.to_string() == asked));
    let (page, is_full) = page(context, snapshots, |snapshot| snapshot.id)?;
    let shown: Vec<Value> = page.iter().map(|snapshot| snapshot_json(snapshot, is_detailed)).collect();
    let mut body = json!({"snapshots": shown});
    if let Some(link) = next_link(context, page.last().filter(|_| is_full).map(|snapshot| snapshot.id)) {
        body["snapshots_links"] = link;
    }
    Ok(Answer::json(200, &body))
}

/// `GET /snapshots/{id}`
pub fn show_snapshot(context: &Context<'_>, id: &str) -> Handled {
    let mut store = context.region.volumes.write();
    store.settle(context.call.now);
    let snapshot = Uuid::parse_str(id).ok().and_then(|id| store.snapshot(&id));
    let snapshot = snapshot.filter(|snapshot| context.sees(&snapshot.project_id));
    let snapshot = snapshot.ok_or_else(|| not_found(id))?;
    Ok(Answer::json(200, &json!({"snapshot": snapshot_json(snapshot, true)})))
}

/// `POST /snapshots`: 202, `creating` for a second.
pub fn create_snapshot(context: &Context<'_>) -> Handled {
    let body = context.body("snapshot")?;
    let volume_id = text(&body, "volume_id")?.unwrap_or_default();
    let volume = with_volume(context, &volume_id, Volume::clone)?;
    let forces = body.get("force").is_some_and(|value| *value == true) || context.at_least(66);
    if volume.status != "available" && !(forces && volume.status == "in-use") {
        return Err(cinder::bad_request(&format!(
            "Invalid volume: Volume {volume_id} status must be available, but current status is: {}.",
            volume.status
        )));
    }
    let mut store = context.region.volumes.write();
    quotas::must_fit(context, &store, 0, volume.size_gib)?;
    let snapshot = Snapshot {
        id: ids::fresh_uuid(),
        volume_id: volume.id,
        project_id: volume.project_id.clone(),
        user_id: context.caller.user_id.clone(),
        name: text(&body, "name")?,
        description: text(&body, "description")?,
        status: "creating",
        size_gib: volume.size_gib,
        metadata: metadata(&body)?,
        created_at: whole_seconds(context.call.now),
        updated_at: None,
    };
    let becomes = if snapshot.name.as_deref() == Some(FAILS) { "error" } else { "available" };
    store.become_after(snapshot.id, context.call.now, context.paced(1.5), becomes);
    let shown = snapshot_json(&snapshot, false);
    store.insert_snapshot(snapshot);
    Ok(Answer::json(202, &json!({"snapshot": shown})))
}

/// `DELETE /snapshots/{id}`: 202.
pub fn delete_snapshot(context: &Context<'_>, id: &str) -> Handled {
    let mut store = context.region.volumes.write();
    store.settle(context.call.now);
    let found = Uuid::parse_str(id).ok().and_then(|id| store.snapshot_mut(&id));
    let snapshot =
        found.filter(|snapshot| context.sees(&snapshot.project_id)).ok_or_else(|| not_found(id))?;
    if !matches!(snapshot.status, "available" | "error") {
        let message = "Invalid snapshot: Snapshot status must be available or error, but current status is: ";
        return Err(cinder::bad_request(&format!("{message}{}.", snapshot.status)));
    }
    snapshot.status = "deleting";
    let snapshot_id = snapshot.id;
    store.vanish_after(snapshot_id, context.call.now, context.paced(1.0));
    Ok(Answer::empty(202).of_type(HTML_UTF8))
}

fn not_found(id: &str) -> Answer {
    cinder::not_found(&format!("Snapshot {id} could not be found."))
}
