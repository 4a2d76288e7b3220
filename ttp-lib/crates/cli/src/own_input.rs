//! No command writes over what it reads, its profile among it.

use std::path::{Path, PathBuf};
use ttp_lib::profile::Run;
use ttp_lib::{Result, files};

/// Refuses to write `out`, a file or a folder, over one of a command's `inputs` or over what its run
/// reads.
pub fn refuse<'a>(
    run: &Run,
    out: &Path,
    inputs: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<()> {
    files::refuse_own_input(out, inputs.into_iter().map(PathBuf::as_path))?;
    files::refuse_own_input(out, run.inputs().iter().map(PathBuf::as_path))
}
