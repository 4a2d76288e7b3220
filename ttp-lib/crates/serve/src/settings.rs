//! What may be sent, how long it may take, and how many may wait.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use ttp_base::{Error, Result};

/// Connections beside those that are analysed or wait: pages, uploads under way, refusals.
const OTHER_CONNECTIONS: usize = 64;

/// The server's limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// 127.0.0.1 and a port; port 0 is any that is free.
    pub address: SocketAddr,
    /// The most bytes of one upload with all its files: 1 to 2³⁰.
    pub upload_bytes: usize,
    /// The most bytes of all uploads that are in memory at once: `upload_bytes` to 2³⁴.
    pub all_uploads_bytes: usize,
    /// The most files of one upload: 1 to 1000.
    pub files: usize,
    /// The most seconds from a request's first byte to the upload's last: above 0, at most 3600.
    pub upload_seconds: f64,
    /// The most seconds of an analysis: above 0, at most 3600. One that takes longer is not waited
    /// for; it keeps its worker until it ends.
    pub analysis_seconds: f64,
    /// Uploads that may wait for a worker: 0 to 1000.
    pub queue: usize,
    /// Analyses at once: 1 to 64.
    pub workers: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            upload_bytes: 64 << 20,
            all_uploads_bytes: 256 << 20,
            files: 100,
            upload_seconds: 60.0,
            analysis_seconds: 60.0,
            queue: 64,
            workers: 2,
        }
    }
}

impl Settings {
    /// Refuses what is out of range.
    ///
    /// # Errors
    /// With the field's name and what it may be.
    pub fn check(&self) -> Result<()> {
        let refuse = |field, reason: String| Err(Error::Setting { field, reason });
        if self.address.ip() != IpAddr::V4(Ipv4Addr::LOCALHOST) {
            let reason = format!("{}: 127.0.0.1 alone, for this machine alone", self.address.ip());
            return refuse("address", reason);
        }
        let counts = [
            ("upload_bytes", self.upload_bytes, 1, 1 << 30),
            ("all_uploads_bytes", self.all_uploads_bytes, self.upload_bytes, 1 << 34),
            ("files", self.files, 1, 1000),
            ("queue", self.queue, 0, 1000),
            ("workers", self.workers, 1, 64),
        ];
        for (field, value, least, most) in counts {
            if !(least..=most).contains(&value) {
                return refuse(field, format!("{value}: a number from {least} to {most}"));
            }
        }
        let times =
            [("upload_seconds", self.upload_seconds), ("analysis_seconds", self.analysis_seconds)];
        for (field, value) in times {
            if !(value > 0.0 && value <= 3600.0) {
                return refuse(field, format!("{value}: a number above 0, at most 3600"));
            }
        }
        Ok(())
    }

    /// Connections that are open at once; others wait to be let in.
    pub(crate) fn connections(&self) -> usize {
        self.queue + self.workers + OTHER_CONNECTIONS
    }

    /// Of settings that were checked.
    pub(crate) fn upload_time(&self) -> Duration {
        Duration::from_secs_f64(self.upload_seconds)
    }

    /// Of settings that were checked.
    pub(crate) fn analysis_time(&self) -> Duration {
        Duration::from_secs_f64(self.analysis_seconds)
    }
}
