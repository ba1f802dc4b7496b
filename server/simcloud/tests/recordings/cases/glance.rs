//! Glance: images.

use super::Case;
use crate::recordings::stage::As::*;
use crate::recordings::stage::Before::*;

pub const CASES: &[Case] = &[
    (
        Bob,
        Nothing,
        &[
            "glance/versions",
            "glance/image-404",
            "glance/images",
            "glance/images-next",
            "glance/images-by-distro",
            "glance/images-bad-filter-400",
            "glance/images-bad-limit-400",
            "glance/import-info",
            "glance/stores",
            "glance/usage",
        ],
    ),
    (Alice, Snapshot, &["glance/snapshot-image"]),
    (
        Bob,
        Nothing,
        &[
            "glance/image-create-201",
            "glance/image-create-bad-format-400",
            "glance/image-create-public-member-403",
        ],
    ),
    (Bob, PublicImage, &["glance/image-delete-public-403", "glance/image-update-public-403"]),
    (Bob, QueuedImage, &["glance/image-upload-204"]),
    (
        Bob,
        UploadedImage,
        &[
            "glance/image-upload-again-409",
            "glance/image-patch",
            "glance/image-patch-wrong-content-type-415",
            "glance/image-delete-204",
        ],
    ),
    (Bob, SharedImage, &["glance/image-members"]),
    (Alice, SharedImage, &["glance/images-shared-with-me"]),
];
