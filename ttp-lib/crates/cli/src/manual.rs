//! What a shell and `man` know of the command, from its own description.

use crate::{Cli, say};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use std::path::PathBuf;
use ttp_lib::show::print;
use ttp_lib::{Error, Result, files};

#[derive(Args)]
pub struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

#[derive(Args)]
pub struct ManArguments {
    /// Where the pages go, for instance ~/.local/share/man/man1
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

/// Prints a script that completes the command's words in a shell.
pub fn completions(arguments: &CompletionsArguments) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "ttp", &mut script);
    print(&String::from_utf8_lossy(&script));
    Ok(())
}

/// Writes a page of the command and one of each of its subcommands.
pub fn man(arguments: &ManArguments) -> Result<()> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    add_pages(&command, &mut pages).map_err(Error::library("writing a man page"))?;
    for (name, page) in &pages {
        let file = arguments.out.join(name);
        files::write_whole(&file, |out| out.write_all(page).map_err(Error::file(&file, "write")))?;
    }
    say(&format!("{} pages written: {}", pages.len(), arguments.out.join("ttp.1").display()))
}

fn add_pages(command: &clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    pages.push((format!("{name}.1"), page));
    command.get_subcommands().try_for_each(|command| add_pages(command, pages))
}
