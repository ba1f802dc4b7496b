//! What kind of disk a file is, from how it begins.

/// How much of a file's beginning is needed.
pub const ENOUGH: usize = 33_000;

/// What a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Glance's name for the format.
    Disk(&'static str),
    /// Packed: no server can start from it. The name of the format.
    Packed(&'static str),
    /// Nothing that is known; raw disks look like this.
    Unknown,
}

/// The formats Glance takes that servers start from, with what people call them.
pub const FORMATS: [(&str, &str); 7] = [
    ("qcow2", "QCOW2 (QEMU)"),
    ("raw", "Raw"),
    ("iso", "ISO 9660 (CD, installer)"),
    ("vmdk", "VMDK (VMware)"),
    ("vdi", "VDI (VirtualBox)"),
    ("vhd", "VHD (Hyper-V)"),
    ("vhdx", "VHDX (Hyper-V)"),
];

/// Looks at the beginning of a file.
pub fn content_of(start: &[u8]) -> Content {
    let at = |place: usize, mark: &[u8]| start.get(place..place + mark.len()) == Some(mark);
    match () {
        () if at(0, b"QFI\xfb") => Content::Disk("qcow2"),
        () if at(0, b"KDMV") || at(0, b"# Disk Descriptor") => Content::Disk("vmdk"),
        () if at(0, b"vhdxfile") => Content::Disk("vhdx"),
        () if at(0, b"conectix") => Content::Disk("vhd"),
        () if at(64, b"\x7f\x10\xda\xbe") => Content::Disk("vdi"),
        () if at(32_769, b"CD001") => Content::Disk("iso"),
        () if at(0, b"\x1f\x8b") => Content::Packed("gzip"),
        () if at(0, b"\xfd7zXZ\0") => Content::Packed("xz"),
        () if at(0, b"BZh") => Content::Packed("bzip2"),
        () if at(0, b"\x28\xb5\x2f\xfd") => Content::Packed("zstd"),
        () if at(0, b"PK\x03\x04") => Content::Packed("zip"),
        () if at(0, b"7z\xbc\xaf\x27\x1c") => Content::Packed("7z"),
        // The mark of a partition table.
        () if at(510, b"\x55\xaa") => Content::Disk("raw"),
        () => Content::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_beginning_whatever_its_name() {
        assert_eq!(content_of(b"QFI\xfb\0\0\0\x03"), Content::Disk("qcow2"));
        assert_eq!(content_of(b"\x1f\x8b\x08"), Content::Packed("gzip"));
        let mut iso = vec![0; ENOUGH];
        iso[32_769..32_774].copy_from_slice(b"CD001");
        assert_eq!(content_of(&iso), Content::Disk("iso"));
        let mut raw = vec![0; 512];
        raw[510..].copy_from_slice(b"\x55\xaa");
        assert_eq!(content_of(&raw), Content::Disk("raw"));
        assert_eq!(content_of(b""), Content::Unknown);
        assert_eq!(content_of(b"hello"), Content::Unknown);
    }
}
