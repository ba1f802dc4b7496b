//! Cinder: volumes, snapshots and their types.

use super::Case;
use crate::recordings::stage::As::*;
use crate::recordings::stage::Before::*;

pub const CASES: &[Case] = &[
    (Nobody, Nothing, &["cinder/versions-300"]),
    (
        Bob,
        VolumesOfAlpha,
        &[
            "cinder/limits",
            "cinder/microversion-too-high-406",
            "cinder/project-mismatch-400",
            "cinder/quota-set-usage",
            "cinder/types",
            "cinder/volume-404",
            "cinder/volumes",
            "cinder/volumes-detail",
            "cinder/volumes-detail-3.0",
            "cinder/volumes-detail-with-count",
            "cinder/volumes-without-project-in-url",
        ],
    ),
    (Reader, Nothing, &["cinder/volume-create-reader-202"]),
    (
        Alice,
        Volume(2),
        &[
            "cinder/volume-create-202",
            "cinder/volume-create-over-quota-413",
            "cinder/volume-create-size-400",
            "cinder/volume-create-size-text-400",
            "cinder/volume-create-type-404",
            "cinder/volume-delete-202",
            "cinder/volume-extend-202",
            "cinder/volume-extend-smaller-400",
            "cinder/volume-upload-to-image-202",
            "cinder/snapshot-create-202",
        ],
    ),
    (Alice, VolumeWithSnapshot, &["cinder/snapshots-detail", "cinder/volume-delete-with-snapshot-400"]),
    (Admin, Nothing, &["cinder/services-admin", "cinder/pools-admin"]),
];
