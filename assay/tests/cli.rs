//! The program without a chain: parsing, envelope, exit codes, manifests.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn assay(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.env_clear().env("HOME", folder).env("ASSAY_DEPLOYMENT", folder.join("deployment.json"));
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    assay(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn help_and_version_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let version = run(folder.path(), &["--version"]);
    assert_eq!(text(&version.stdout), format!("assay {}\n", env!("CARGO_PKG_VERSION")));
    let help = run(folder.path(), &["--help"]);
    assert!(help.status.success());
    for word in
        ["deploy", "dataset", "job", "model", "provenance", "balance", "accounts", "ledger", "Examples:", "Exit codes"]
    {
        assert!(text(&help.stdout).contains(word), "{word}");
    }
    for group in ["dataset", "job", "model", "account"] {
        assert!(run(folder.path(), &[group, "--help"]).status.success(), "{group}");
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["fly"][..],
        &["job", "show"],
        &["job", "show", "-1"],
        &["model", "show", "0x12"],
        &["balance", "Alice"],
        &["provenance", "thing:1"],
        &["dataset", "transfer", "0x12"],
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
    // To a program, in the envelope.
    let output = run(folder.path(), &["--json", "job", "show"]);
    assert_eq!(output.status.code(), Some(2));
    let envelope: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(envelope["ok"], false);
    assert!(envelope["error"]["message"].as_str().unwrap().contains("<ID>"));
}

#[test]
fn without_a_deployment_file_it_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["job", "list"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("assay deploy"), "{}", text(&output.stderr));
    let output = run(folder.path(), &["--json", "job", "list"]);
    let envelope: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&envelope["ok"], &envelope["command"]), (&Value::Bool(false), &Value::from("job list")));
}

#[test]
fn a_node_that_is_not_there_is_said_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("ws://127.0.0.1:{port}");
    let output = run(folder.path(), &["deploy", "--url", &url, "--suri", "//Alice"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains(&url), "{}", text(&output.stderr));
}

#[test]
fn a_bad_key_is_refused_and_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["accounts", "--suri", "correct horse battery staple"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!text(&output.stderr).contains("battery"), "{}", text(&output.stderr));
    let output = run(folder.path(), &["accounts"]);
    assert_eq!(output.status.code(), Some(2), "no key is a wrong usage");
    let output = run(folder.path(), &["accounts", "--keystore", "no.json"]);
    assert!(text(&output.stderr).contains("no.json"));
}

#[test]
fn a_manifest_is_written_once_and_named_by_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let path = data.to_str().unwrap();
    assert_eq!(run(folder.path(), &["dataset", "manifest", path]).status.code(), Some(1), "an empty folder");
    std::fs::write(data.join("a.csv"), "1,2,0\n").unwrap();
    let first = run(folder.path(), &["dataset", "manifest", path]);
    let id = text(&first.stdout);
    assert!(id.starts_with("0x") && id.trim().len() == 66, "{id}");
    assert!(data.join("manifest.json").is_file());
    let again = run(folder.path(), &["--json", "dataset", "manifest", path]);
    let envelope: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(envelope["data"]["id"], id.trim());
    std::fs::write(data.join("a.csv"), "1,2,1\n").unwrap();
    assert_ne!(text(&run(folder.path(), &["dataset", "manifest", path]).stdout), id);
}

#[test]
fn job_descriptions_are_checked_before_any_chain_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits.json");
    let mut job: Value = serde_json::from_slice(&std::fs::read(example).unwrap()).unwrap();
    let path = folder.path().join("job.json");
    let mut refused = |change: &dyn Fn(&mut Value), words: &str| {
        let before = job.clone();
        change(&mut job);
        std::fs::write(&path, job.to_string()).unwrap();
        job = before;
        let output = run(folder.path(), &["job", "post", path.to_str().unwrap(), "--suri", "//Alice"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(words), "{words}: {}", text(&output.stderr));
    };
    refused(&|job| job["speed"] = 1.into(), "unknown field `speed`");
    refused(&|job| job["samples"] = 99.into(), "samples");
    refused(&|job| job["steps"] = 0.into(), "not there");
    refused(&|job| job["windows"]["train"] = 0.into(), "windows.train");
    refused(&|job| job["training"]["model"] = "gpt".into(), "docs/job.md");
    let output = run(folder.path(), &["job", "post", "none.json"]);
    assert!(text(&output.stderr).contains("none.json"));
}

#[test]
fn a_folder_is_served_until_the_program_is_stopped() {
    use std::io::{BufRead, BufReader, Read, Write};
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("a.csv"), "1,2,0\n").unwrap();
    let mut child = assay(folder.path())
        .args(["dataset", "serve", data.to_str().unwrap(), "--listen", "127.0.0.1:0"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("ready http://").unwrap_or_else(|| panic!("{line:?}")).to_owned();
    for (path, words) in [("/manifest.json", "a.csv"), ("/a.csv", "1,2,0"), ("/../deployment.json", "404")] {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(words), "{path}: {answer}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
