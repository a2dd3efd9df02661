//! What a command prints with `--json`, and its exit codes.
//!
//! The envelope is stable: `{"ok": true, "command": "…", "data": …}` on
//! success, `{"ok": false, "command": "…", "error": {"message": "…", "causes":
//! ["…"]}}` on failure. Exit codes: 0 success, 1 failure, 2 usage.

use anyhow::{Context, bail};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

/// Exit code of a command that failed.
pub const FAILURE: u8 = 1;
/// Exit code of a command that was called wrongly.
pub const USAGE: u8 = 2;

/// A wrong use of a command that the parser cannot see. Ends with [`USAGE`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// The envelope of a success.
pub fn success(command: &str, data: &impl Serialize) -> Value {
    json!({ "ok": true, "command": command, "data": data })
}

/// The envelope of a failure.
pub fn failure(command: &str, error: &anyhow::Error) -> Value {
    let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
    json!({ "ok": false, "command": command, "error": { "message": error.to_string(), "causes": causes } })
}

/// Asks at the terminal whether to sign what was shown there.
///
/// # Errors
/// [`UsageError`] if nobody can be asked, and an error if the answer is not yes.
pub fn confirm() -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        bail!(UsageError("nobody can be asked here, without a terminal: add -y to sign without asking".into()));
    }
    eprint!("Sign and send? [y/N] ");
    std::io::stderr().flush().context("cannot ask")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => bail!("not confirmed; nothing was signed"),
    }
}

/// Prints how a command ended: data to standard output (in the envelope if
/// `json`), an error to standard error (or in the envelope), and gives the exit code.
pub fn finish<T: Serialize>(command: &str, json: bool, result: anyhow::Result<(T, String)>) -> ExitCode {
    match result {
        Ok((data, text)) => {
            match json {
                true => println!("{}", success(command, &data)),
                false if text.is_empty() => {}
                false => println!("{}", text.trim_end()),
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            match json {
                true => println!("{}", failure(command, &error)),
                false => eprintln!("error: {error:#}"),
            }
            let usage = error.is::<UsageError>();
            ExitCode::from(if usage { USAGE } else { FAILURE })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_is_stable() {
        assert_eq!(success("job show", &7).to_string(), r#"{"command":"job show","data":7,"ok":true}"#);
        let error = anyhow::anyhow!("inner").context("outer");
        assert_eq!(
            failure("deploy", &error).to_string(),
            r#"{"command":"deploy","error":{"causes":["inner"],"message":"outer"},"ok":false}"#
        );
    }
}
