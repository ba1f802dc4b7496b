//! User data: how large it is, what cloud-init will make of it, and whether its YAML can be read at all.

use saphyr_parser::{Event, Parser};

/// What Nova takes, in letters of base64.
pub const MOST_ENCODED: usize = 65_535;

/// What cloud-init takes a text for, by its first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    CloudConfig,
    /// `#!`
    Script,
    Include,
    Boothook,
    /// `## template: jinja`: known only once the server has filled it in.
    Template,
    /// A MIME message of several parts.
    Multipart,
    PartHandler,
    /// Windows images read it with cloudbase-init.
    PowerShell,
    /// With gzip; what is in it is any of the others.
    Packed,
}

/// What is wrong, or may be. A problem keeps the servers from being made; a warning does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// So many letters of base64 are too many.
    TooLarge { encoded: usize },
    /// The line and column are counted from 1.
    NoYaml { line: usize, column: usize, why: String },
    /// A cloud-config has names with values at its top.
    NoMapping,
    /// Nothing tells cloud-init what this is: it does nothing with it.
    UnknownKind,
    /// The same of a file that is no text.
    UnknownBytes,
    /// `#cloud-config` with a blank before or another spelling.
    NearlyCloudConfig,
    /// Not a name that cloud-init knows at the top, and one that looks like it.
    UnknownKey { line: usize, key: String, meant: Option<&'static str> },
    /// The same name twice: the last one counts.
    TwiceTheSame { line: usize, key: String },
}

impl Finding {
    /// The servers cannot be made with it, or would not do what it says.
    pub fn is_problem(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::NoYaml { .. } | Self::NoMapping)
    }
}

pub fn kind_of(text: &str) -> Option<Kind> {
    let first = text.lines().next().unwrap_or_default().trim_end();
    let starts = |with: &str| first.starts_with(with);
    if first == "#cloud-config" || starts("#cloud-config ") || first == "#cloud-config-archive" {
        Some(Kind::CloudConfig)
    } else if starts("#!") {
        Some(Kind::Script)
    } else if starts("#include") {
        Some(Kind::Include)
    } else if starts("#cloud-boothook") {
        Some(Kind::Boothook)
    } else if starts("## template:") {
        Some(Kind::Template)
    } else if starts("#part-handler") {
        Some(Kind::PartHandler)
    } else if starts("#ps1") || starts("rem cmd") {
        Some(Kind::PowerShell)
    } else if ["content-type:", "mime-version:"]
        .iter()
        .any(|head| first.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head)))
    {
        Some(Kind::Multipart)
    } else {
        None
    }
}

/// Looks a text over. Nothing is wrong with an empty one.
pub fn check(text: &str) -> Vec<Finding> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let encoded = encoded_len(text.len());
    if encoded > MOST_ENCODED {
        findings.push(Finding::TooLarge { encoded });
    }
    let first = text.lines().next().unwrap_or_default();
    match kind_of(text) {
        Some(Kind::CloudConfig) if first.trim_end() == "#cloud-config-archive" => {
            findings.extend(read(text).err());
        }
        Some(Kind::CloudConfig) => findings.extend(check_cloud_config(text)),
        Some(_) => {}
        None if is_nearly_cloud_config(text) => findings.push(Finding::NearlyCloudConfig),
        None => findings.push(Finding::UnknownKind),
    }
    findings
}

/// Looks a file over that is no text, by its base64.
pub fn check_file(base64: &str) -> Vec<Finding> {
    let too_large = (base64.len() > MOST_ENCODED).then_some(Finding::TooLarge { encoded: base64.len() });
    let unknown = kind_of_file(base64).is_none().then_some(Finding::UnknownBytes);
    too_large.into_iter().chain(unknown).collect()
}

/// What a file that is no text is taken for. gzip begins with the bytes 1f 8b 08.
pub fn kind_of_file(base64: &str) -> Option<Kind> {
    base64.starts_with("H4sI").then_some(Kind::Packed)
}

/// How long a text of so many bytes is in base64.
pub fn encoded_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// As Nova wants it.
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(encoded_len(bytes.len()));
    for chunk in bytes.chunks(3) {
        let at = |place: usize| u32::from(chunk.get(place).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

fn is_nearly_cloud_config(text: &str) -> bool {
    let start: String = text.trim_start().chars().take(40).collect();
    let start = start.to_ascii_lowercase();
    let start = start.lines().next().unwrap_or_default().replace(['_', ' ', '-', '#'], "");
    start.starts_with("cloudconfig")
}

fn check_cloud_config(text: &str) -> Vec<Finding> {
    let top = match read(text) {
        Ok(Some(top)) => top,
        Ok(None) => return vec![Finding::NoMapping],
        Err(finding) => return vec![finding],
    };
    let mut findings = Vec::new();
    for (at, (key, line)) in top.iter().enumerate() {
        if top[..at].iter().any(|(before, _)| before == key) {
            findings.push(Finding::TwiceTheSame { line: *line, key: key.clone() });
        } else if !KNOWN.contains(&key.as_str()) {
            let meant = KNOWN.iter().copied().filter(|known| distance(known, key) <= 2);
            let meant = meant.min_by_key(|known| distance(known, key));
            findings.push(Finding::UnknownKey { line: *line, key: key.clone(), meant });
        }
    }
    findings
}

/// The names at the top of the first document with their lines; `None` where it is no mapping.
///
/// Errors: it is not YAML.
fn read(text: &str) -> Result<Option<Vec<(String, usize)>>, Finding> {
    let mut keys = Vec::new();
    let mut depth = 0_usize;
    let (mut is_mapping, mut is_key, mut has_content) = (false, true, false);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Finding::NoYaml {
            line: error.marker().line(),
            column: error.marker().col() + 1,
            why: error.info().to_owned(),
        })?;
        let is_at_top = depth == 1 && is_mapping;
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if depth == 0 && !has_content {
                    has_content = true;
                    is_mapping = matches!(event, Event::MappingStart(..));
                }
                depth += 1;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                depth = depth.saturating_sub(1);
                if depth == 1 && is_mapping {
                    is_key = !is_key;
                }
            }
            Event::Scalar(value, ..) if is_at_top => {
                if is_key {
                    keys.push((value.into_owned(), span.start.line()));
                }
                is_key = !is_key;
            }
            Event::Alias(_) if is_at_top => is_key = !is_key,
            Event::Scalar(..) if depth == 0 => has_content = true,
            // Only the first document counts.
            Event::DocumentEnd if has_content => break,
            _ => {}
        }
    }
    // A text of comments alone is read as nothing at all, which cloud-init takes.
    Ok((is_mapping || !has_content).then_some(keys))
}

/// How many letters have to change.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.bytes().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, right) in b.bytes().enumerate() {
            let here = (corner + usize::from(left != right)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = row[j + 1];
            row[j + 1] = here;
        }
    }
    row[b.len()]
}

/// The names cloud-init reads at the top of a cloud-config. Source: cloud-init documentation, modules reference.
const KNOWN: &[&str] = &[
    "allow_public_ssh_keys",
    "ansible",
    "apk_repos",
    "apt",
    "apt_pipelining",
    "apt_reboot_if_required",
    "apt_update",
    "apt_upgrade",
    "autoinstall",
    "bootcmd",
    "byobu_by_default",
    "ca-certs",
    "ca_certs",
    "chef",
    "chpasswd",
    "cloud_config_modules",
    "cloud_final_modules",
    "cloud_init_modules",
    "create_hostname_file",
    "datasource",
    "datasource_list",
    "debug",
    "device_aliases",
    "disable_ec2_metadata",
    "disable_root",
    "disable_root_opts",
    "disk_setup",
    "drivers",
    "fan",
    "final_message",
    "fqdn",
    "fs_setup",
    "groups",
    "growpart",
    "grub-dpkg",
    "grub_dpkg",
    "hostname",
    "keyboard",
    "landscape",
    "launch-index",
    "locale",
    "locale_configfile",
    "lxd",
    "manage_etc_hosts",
    "manage_resolv_conf",
    "mcollective",
    "merge_how",
    "merge_type",
    "migrate",
    "mount_default_fields",
    "mounts",
    "network",
    "no_ssh_fingerprints",
    "ntp",
    "output",
    "package_reboot_if_required",
    "package_update",
    "package_upgrade",
    "packages",
    "password",
    "phone_home",
    "power_state",
    "prefer_fqdn_over_hostname",
    "preserve_hostname",
    "puppet",
    "random_seed",
    "reporting",
    "resize_rootfs",
    "resolv_conf",
    "rh_subscription",
    "rpi",
    "rsyslog",
    "runcmd",
    "salt_minion",
    "snap",
    "spacewalk",
    "ssh",
    "ssh_authorized_keys",
    "ssh_deletekeys",
    "ssh_fp_console_blacklist",
    "ssh_genkeytypes",
    "ssh_import_id",
    "ssh_key_console_blacklist",
    "ssh_keys",
    "ssh_publish_hostkeys",
    "ssh_pwauth",
    "ssh_quiet_keygen",
    "swap",
    "syslog_fix_perms",
    "system_info",
    "timezone",
    "ubuntu_advantage",
    "ubuntu_pro",
    "updates",
    "user",
    "users",
    "vendor_data",
    "version",
    "wireguard",
    "write_files",
    "yum_repo_dir",
    "yum_repos",
    "zypper",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_packed_file_is_known_and_any_other_is_told() {
        assert_eq!(kind_of_file(&base64(b"\x1f\x8b\x08\0")), Some(Kind::Packed));
        assert_eq!(check_file(&base64(b"\x1f\x8b\x08\0")), []);
        assert_eq!(check_file(&base64(b"\xff\xfe#")), [Finding::UnknownBytes]);
        let large = [b"\x1f\x8b\x08".as_slice(), &[0; 60_000]].concat();
        assert!(check_file(&base64(&large)).iter().any(Finding::is_problem));
    }

    #[test]
    fn base64_is_as_everybody_writes_it() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("#cloud-config\n", "I2Nsb3VkLWNvbmZpZwo="),
        ] {
            assert_eq!(base64(plain.as_bytes()), encoded);
            assert_eq!(encoded_len(plain.len()), encoded.len());
        }
    }

    #[test]
    fn a_good_cloud_config_has_no_findings() {
        let text = "#cloud-config\npackages: [nginx, {a: b}]\nruncmd:\n  - [sh, -c, 'echo \"x\"']\nwrite_files:\n  - \
                    path: /a\n    content: |\n      unknown: x\nusers:\n- default\n- name: {x: y}\n";
        assert_eq!(check(text), []);
        assert_eq!(check(""), []);
        assert_eq!(check("#cloud-config\n# nothing yet\n"), []);
        assert_eq!(check("#!/bin/sh\n\tthis is: [no yaml\n"), []);
    }

    #[test]
    fn yaml_that_cannot_be_read_is_told_with_its_line() {
        let findings = check("#cloud-config\npackages:\n  - a\n bad: [\n");
        assert!(matches!(findings[..], [Finding::NoYaml { line: 4 | 5, .. }]), "{findings:?}");
        let findings = check("#cloud-config\nruncmd:\n\t- a\n");
        assert!(matches!(findings[..], [Finding::NoYaml { line: 3, .. }]), "{findings:?}");
        assert_eq!(check("#cloud-config\n- a\n- b\n"), [Finding::NoMapping]);
        assert_eq!(check("#cloud-config\njust words\n"), [Finding::NoMapping]);
    }

    #[test]
    fn misspelt_and_doubled_names_are_told() {
        let findings = check("#cloud-config\npackage:\n  - a\nrun_cmd: [b]\nruncmd: [c]\nruncmd: [d]\n");
        assert_eq!(
            findings,
            [
                Finding::UnknownKey { line: 2, key: "package".to_owned(), meant: Some("packages") },
                Finding::UnknownKey { line: 4, key: "run_cmd".to_owned(), meant: Some("runcmd") },
                Finding::TwiceTheSame { line: 6, key: "runcmd".to_owned() },
            ]
        );
        assert!(findings.iter().all(|finding| !finding.is_problem()));
    }

    #[test]
    fn a_first_line_that_says_nothing_is_told() {
        assert_eq!(check("packages: [a]\n"), [Finding::UnknownKind]);
        assert_eq!(check("# cloud-config\npackages: [a]\n"), [Finding::NearlyCloudConfig]);
        assert_eq!(check("\n#cloud-config\n"), [Finding::NearlyCloudConfig]);
        assert_eq!(kind_of("Content-Type: multipart/mixed\n"), Some(Kind::Multipart));
        assert_eq!(kind_of("#cloud-config\r\n"), Some(Kind::CloudConfig));
    }

    #[test]
    fn the_limit_is_novas_in_base64() {
        assert_eq!(check(&format!("#!{}", "a".repeat(49_147))), []);
        assert_eq!(check(&format!("#!{}", "a".repeat(49_150))), [Finding::TooLarge { encoded: 65_536 }]);
    }

    proptest! {
        #[test]
        fn any_text_is_looked_over(text in "(#cloud-config\n)?[\\x00-\\x7f]{0,80}|#cloud-config\n\\PC{0,60}") {
            let _ = check(&text);
            prop_assert_eq!(base64(text.as_bytes()).len(), encoded_len(text.len()));
        }
    }
}
