//! The data of images: uploads are read as they come and counted, downloads made as they go, so that a
//! gigabyte passes in the memory of a piece.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::http::request::Parts;

use super::records::unsupported;
use super::{Context, context, find, find_mut};
use crate::clock::whole_seconds;
use crate::errors::web_ob;
use crate::faults::Fault;
use crate::http::{Answer, Call, HTML_UTF8, Handled};
use crate::image::{Image, KEPT_BYTES, Part, QCOW2_MAGIC};
use crate::runtime::Shared;

/// How an upload ends.
pub enum Upload {
    Answered(Answer),
    /// The connection is to be cut.
    Cut,
}

/// An image's name that is refused in the middle of its upload.
const TOO_LARGE: &str = "storage-full";

/// Whether a request is an upload, whose body is not to be read before it is looked at.
pub fn is_upload(parts: &Parts) -> bool {
    let path = parts.uri.path();
    parts.method == hyper::Method::PUT && path.starts_with("/v2/images/") && path.ends_with("/file")
}

/// `PUT /v2/images/{id}/file`: 204 once everything was read. Until then the image is `saving`; when the
/// caller leaves before, or anything is wrong with the data, it is `queued` again.
pub async fn upload(
    shared: &Arc<Shared>,
    region_number: usize,
    parts: Parts,
    body: Incoming,
    fault: Option<&Fault>,
) -> Upload {
    let cut_after = match fault {
        Some(Fault::CutUpload { after_bytes }) => Some(*after_bytes),
        _ => None,
    };
    let base_url = shared.url(crate::faults::Service::Image, Some(region_number)).to_owned();
    let call = Call::new(parts, Bytes::new(), &base_url, shared.world.clock.now());
    let handled = match begin(shared, region_number, &call) {
        Ok(mut saving) => match receive(&mut saving, body, cut_after).await {
            Received::All { size_bytes, kept } => Ok(saving.finish(size_bytes, kept)),
            Received::Refused(refusal) => Err(*refusal),
            Received::Broken => return Upload::Cut,
        },
        Err(refusal) => Err(refusal),
    };
    let answer = handled.unwrap_or_else(|refusal| refusal);
    if answer.status == 401 {
        return Upload::Answered(answer);
    }
    Upload::Answered(answer.header("x-openstack-request-id", call.request_id))
}

/// `GET /v2/images/{id}/file`: what was uploaded, or as many bytes. 206 for a range, 204 without data.
pub fn download(context: &Context<'_>, id: &str) -> Handled {
    let images = context.region.images.read();
    let image = find(&images, context, id)?;
    if image.status == "deactivated" && !context.caller.is_admin() {
        let message = "The requested image has been deactivated. Image data download is forbidden.";
        return Err(web_ob(403, message));
    }
    let Some(size_bytes) = image.size_bytes.filter(|_| image.status != "saving") else {
        return Ok(Answer::empty(204).of_type(HTML_UTF8));
    };
    let range = match context.call.header("range").map(|range| range_of(range, size_bytes)) {
        Some(None) => {
            let answer = web_ob(416, "The requested range could not be satisfied");
            return Err(answer.header("content-range", format!("bytes */{size_bytes}")));
        }
        Some(range) => range,
        None => None,
    };
    let (from, to) = range.unwrap_or((0, size_bytes));
    let mut answer = Answer::empty(if range.is_some() { 206 } else { 200 });
    answer.content_type = Some("application/octet-stream");
    if let Some(kept) = &image.kept {
        let at = |position: u64| usize::try_from(position).unwrap_or(kept.len()).min(kept.len());
        answer.body = kept.slice(at(from)..at(to));
    } else if let Some(data) = image.generated() {
        answer.long = Some(Box::new(Part { data, from, to }));
    }
    if range.is_some() {
        answer = answer.header("content-range", format!("bytes {from}-{}/{size_bytes}", to - 1));
    } else {
        answer = answer.header("content-md5", image.sums().0);
    }
    Ok(answer)
}

/// `bytes=from-to` as the first byte and the one after the last. `None` where it is not in the data.
fn range_of(range: &str, size_bytes: u64) -> Option<(u64, u64)> {
    let (from, last) = range.trim().strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = match (from, last) {
        ("", suffix) => (size_bytes.saturating_sub(suffix.parse().ok()?), size_bytes),
        (from, "") => (from.parse().ok()?, size_bytes),
        (from, last) => (from.parse().ok()?, last.parse::<u64>().ok()?.saturating_add(1).min(size_bytes)),
    };
    (from < to).then_some((from, to))
}

/// An image that is being uploaded. Dropped before its end, it is `queued` again.
struct Saving {
    shared: Arc<Shared>,
    region_number: usize,
    image_id: Arc<str>,
    name: String,
    disk_format: Option<String>,
    is_over: bool,
}

enum Received {
    All { size_bytes: u64, kept: Option<Bytes> },
    Refused(Box<Answer>),
    Broken,
}

/// Everything that is checked before the data is read; then the image is `saving`.
fn begin(shared: &Arc<Shared>, region_number: usize, call: &Call) -> Result<Saving, Answer> {
    let context = context(shared, region_number, call)?;
    let content_type = call.header("content-type").unwrap_or_default();
    if !content_type.starts_with("application/octet-stream") {
        return Err(unsupported(content_type, ""));
    }
    let id = call.path.get(2).map(String::as_str).unwrap_or_default();
    let mut images = context.region.images.write();
    let image = find_mut(&mut images, &context, id)?;
    context.must_modify(image, "upload_image")?;
    if image.status != "queued" {
        let message = format!("Image status transition from {} to saving is not allowed", image.status);
        return Err(web_ob(409, &message));
    }
    if image.disk_format.is_none() || image.container_format.is_none() {
        let message = "Properties disk_format, container_format must be set prior to saving data.";
        return Err(web_ob(400, message));
    }
    image.status = "saving".to_owned();
    image.updated_at = whole_seconds(call.now);
    Ok(Saving {
        shared: shared.clone(),
        region_number,
        image_id: image.id.clone(),
        name: image.name.clone(),
        disk_format: image.disk_format.clone(),
        is_over: false,
    })
}

async fn receive(saving: &mut Saving, mut body: Incoming, cut_after: Option<u64>) -> Received {
    let mut size_bytes: u64 = 0;
    let mut start = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Received::Broken };
        let Some(piece) = frame.data_ref() else { continue };
        size_bytes += piece.len() as u64;
        if cut_after.is_some_and(|most| size_bytes >= most) {
            return Received::Broken;
        }
        if start.len() <= KEPT_BYTES {
            let room = (KEPT_BYTES + 1).saturating_sub(start.len());
            start.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        if saving.name == TOO_LARGE {
            let message =
                "Image storage media is full: There is not enough disk space on the image storage media.";
            return Received::Refused(Box::new(web_ob(413, message)));
        }
    }
    // Glance looks into what it is given, and knows this format by its beginning.
    if saving.disk_format.as_deref() == Some("qcow2") && !start.starts_with(QCOW2_MAGIC) {
        let reason = "Image disk_format qcow2 does not match stream data raw";
        return Received::Refused(Box::new(unsupported("application/octet-stream", reason)));
    }
    let kept = (start.len() <= KEPT_BYTES).then(|| start.freeze());
    Received::All { size_bytes, kept }
}

impl Saving {
    fn finish(mut self, size_bytes: u64, kept: Option<Bytes>) -> Answer {
        self.is_over = true;
        let now = whole_seconds(self.shared.world.clock.now());
        let found = self.with_image(|image| {
            image.status = "active".to_owned();
            image.size_bytes = Some(size_bytes);
            image.virtual_size_bytes = Some(size_bytes);
            image.kept = kept;
            image.updated_at = now;
        });
        if found.is_some() {
            return Answer::empty(204).of_type(HTML_UTF8);
        }
        let message = format!(
            "Image {} could not be found after upload. The image may have been deleted during the upload, \
             cleaning up the chunks uploaded.",
            self.image_id
        );
        web_ob(410, &message)
    }

    fn with_image<T>(&self, change: impl FnOnce(&mut Image) -> T) -> Option<T> {
        let mut images = self.shared.world.regions[self.region_number].images.write();
        images.iter_mut().find(|image| image.id == self.image_id).map(change)
    }
}

impl Drop for Saving {
    fn drop(&mut self) {
        if !self.is_over {
            self.with_image(|image| image.status = "queued".to_owned());
        }
    }
}
