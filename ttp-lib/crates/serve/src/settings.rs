//! What may be sent, how long it may take, and how many may wait.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use ttp_base::Result;
use ttp_base::error::SettingPath;
use ttp_base::settings;
use ttp_base::settings::{above_to, from_to};

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

settings!(Settings, "serve", {
    upload_bytes: from_to(1.0, (1_u64 << 30) as f64),
    all_uploads_bytes: from_to(1.0, (1_u64 << 34) as f64),
    files: from_to(1.0, 1000.0),
    upload_seconds: above_to(0.0, 3600.0),
    analysis_seconds: above_to(0.0, 3600.0),
    queue: from_to(0.0, 1000.0),
    workers: from_to(1.0, 64.0),
}, free { address }, also Self::go_together);

impl Settings {
    /// What no range says: where it listens, and that an upload has room.
    fn go_together(&self, at: &SettingPath) -> Result<()> {
        if self.address.ip() != IpAddr::V4(Ipv4Addr::LOCALHOST) {
            let ip = self.address.ip();
            let reason = format!("{ip}: 127.0.0.1 alone, for this machine alone");
            return at.field("address").refuse(reason);
        }
        if self.all_uploads_bytes < self.upload_bytes {
            let reason = format!("{}: less than upload_bytes", self.all_uploads_bytes);
            return at.field("all_uploads_bytes").refuse(reason);
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
