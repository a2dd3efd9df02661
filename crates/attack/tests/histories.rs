//! Short histories that showed a fault once: each file says which.

use assay_attack::history::History;
use assay_attack::market;
use assay_attack::records::{Owners, Records};
use assay_attack::run::replay;

#[test]
fn histories_that_showed_a_fault_show_none() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/histories");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("a folder can be read").path();
        let text = std::fs::read_to_string(&path).expect("a history can be read");
        let history: History = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let result = match history.attack.as_str() {
            "market" => replay::<market::World>(history.setup, &history.acts),
            "registry" => replay::<Records>(history.setup, &history.acts),
            "titles" => replay::<Owners>(history.setup, &history.acts),
            other => panic!("{}: there is no attack on {other}", path.display()),
        };
        if let Err(what) = result {
            panic!("{}: {what}", path.display());
        }
        seen += 1;
    }
    assert!(seen > 0, "no history in {folder}");
}
