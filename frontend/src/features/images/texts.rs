//! The words a person reads while an image is uploaded.

use super::upload::{Phase, Upload, size_text, speed};
use crate::ui::format;

pub const UPLOAD_TITLE: &str = "Upload an image";
pub const UPLOAD: &str = "Upload";
pub const CANCEL: &str = "Cancel";
pub const DISMISS: &str = "Dismiss";
pub const TRY_NOW: &str = "Try now";
pub const RESUME: &str = "If the connection is lost, the upload begins again by itself, from the first byte: the \
                          cloud\u{2019}s image service cannot go on in the middle of a file. It goes on while you use \
                          other pages of the panel, as long as this tab stays open.";

pub const FILE: &str = "File";
pub const NAME: &str = "Name";
pub const REGION: &str = "Region";
pub const FORMAT: &str = "Format";
pub const SYSTEM: &str = "System (optional)";
pub const VERSION: &str = "Version (optional)";
pub const LEAST_DISK: &str = "Least disk in GiB";
pub const LEAST_RAM: &str = "Least RAM in MiB";

pub const NO_FILE: &str = "Choose a file.";
pub const EMPTY_FILE: &str = "This file is empty.";
pub const NO_NUMBER: &str = "The least disk and RAM are whole numbers.";
pub const NO_NAME: &str = "Give it a name.";

pub const NO_LONGER_THERE: &str = "The image is no longer there, or cannot be filled any more.";
pub const LOST_TOO_OFTEN: &str = "The connection was lost too often.";

/// The file cannot be used as it is.
pub fn packed(kind: &str) -> String {
    format!("This file is packed ({kind}). Unpack it first: no server can start from it as it is.")
}

/// What the file is; `kind` is `None` where it does not say so itself.
pub fn found(size: u64, kind: Option<&str>) -> String {
    match kind {
        Some(kind) => format!("{} · {kind}, as the file itself says", size_text(size)),
        None => format!("{} · its format cannot be told from the file", size_text(size)),
    }
}

pub fn sent_of(name: &str) -> String {
    format!("{name} sent")
}

/// " to RegionOne"
pub fn to_region(region: &str) -> String {
    format!(" to {region}")
}

/// What an upload is doing.
pub fn doing(upload: &Upload) -> String {
    let size = size_text(upload.size);
    let begun_again = match upload.restarts {
        0 => String::new(),
        1 => " · began again once".to_owned(),
        count => format!(" · began again {count} times"),
    };
    match &upload.phase {
        Phase::Creating => "Being prepared".to_owned(),
        Phase::Sending { sent } => {
            let speed = speed(*sent, format::now_ms() - upload.began_ms);
            let speed = speed.map(|speed| format!(" · {speed}")).unwrap_or_default();
            format!("{} of {size}{speed}{begun_again}", size_text(*sent))
        }
        Phase::Finishing => format!("{size} sent, being stored{begun_again}"),
        Phase::Waiting { until_ms } => {
            let seconds = ((until_ms - format::now_ms()) / 1000.0).max(0.0) as u64;
            format!("The connection was lost. It begins again from the start in {seconds} s.")
        }
        Phase::Done => format!("{size} uploaded{begun_again}"),
        // The reason stands below, explained.
        Phase::Failed(_) if upload.error.is_some() => "Not uploaded".to_owned(),
        Phase::Failed(words) => words.clone(),
        Phase::Cancelled if upload.error.is_some() => {
            "Cancelled, but what was begun could not be removed. Delete the image where it still stands in the list."
                .to_owned()
        }
        Phase::Cancelled => "Cancelled".to_owned(),
    }
}
