//! Identifiers that come from content alone: the same report has the same ones on every machine.

use crate::Report;
use sha1::{Digest, Sha1};
use std::fmt;

/// A UUID of version 5: the SHA-1 of a namespace and a name (RFC 9562, section 5.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Uuid([u8; 16]);

/// RFC 9562's namespace of addresses.
const URL: Uuid = Uuid([
    0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
]);

/// The namespace of all that is named here.
fn own() -> Uuid {
    URL.name("ttp-report")
}

impl Uuid {
    /// The UUID of a name, with this one as its namespace.
    pub fn name(self, name: impl AsRef<[u8]>) -> Self {
        let hash = Sha1::new().chain_update(self.0).chain_update(name).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        bytes[6] = bytes[6] & 0x0f | 0x50;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// Its first eight characters: enough to tell one person's reports apart.
    pub fn short(self) -> String {
        self.to_string().chars().take(8).collect()
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// What the tool itself is called by.
pub(crate) fn of_tool() -> Uuid {
    own().name("tool")
}

/// A technique of which MITRE's id is not known.
pub(crate) fn of_technique(id: &str) -> Uuid {
    own().name(format!("technique\n{id}"))
}

/// A report's: from its documents' bytes and the model, whenever it was made.
pub(crate) fn of_report(report: &Report) -> Uuid {
    let mut name = format!("report\n{}\n{}", report.model.name, report.model.threshold);
    for read in &report.documents {
        name.push('\n');
        name.push_str(&read.document.sha256);
    }
    own().name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python 3.11: `uuid.uuid5(uuid.NAMESPACE_URL, …)`.
    #[test]
    fn as_python_names_them() {
        let of = |name: &str| URL.name(name).to_string();
        assert_eq!(of("https://attack.mitre.org/"), "fa27b731-55f7-59a5-97ab-144ce9783e25");
        assert_eq!(of("https://attack.mitre.org/").len(), 36);
    }
}
