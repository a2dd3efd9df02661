//! A model's description for wallets and market places, as ERC-721's metadata.

use alloc::{format, string::String};
use assay_protocol::{Hash, registry::ModelRecord};
use base64::{Engine, engine::general_purpose::STANDARD};

/// The description of the model `id` as a `data:` URL: nothing has to be
/// fetched, and it cannot say anything else than the registry.
pub fn data_url(id: &Hash, record: &ModelRecord) -> String {
    format!("data:application/json;base64,{}", STANDARD.encode(json(id, record)))
}

fn json(id: &Hash, record: &ModelRecord) -> String {
    let ModelRecord { name, licence, artefact, market, job, operator, segments, segments_checked, .. } = record;
    let attribute = |trait_type: &str, value: &dyn core::fmt::Display| {
        format!(r#"{{"trait_type":"{trait_type}","value":"{value}"}}"#)
    };
    let attributes = [
        attribute("licence", &escaped(licence)),
        attribute("artefact", artefact),
        attribute("market", market),
        attribute("job", job),
        attribute("operator", operator),
        attribute("segments", segments),
        attribute("segments checked", segments_checked),
    ]
    .join(",");
    format!(
        r#"{{"name":"{}","description":"A model whose training can be checked: {id}","model":"{id}","licence":"{}","artefact":"{artefact}","attributes":[{attributes}]}}"#,
        escaped(name),
        escaped(licence),
    )
}

/// A name has no control characters, so these two are all that JSON wants escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::Address;

    #[test]
    fn any_name_gives_json() {
        for name in ["digits", r#"a "quoted" \ name"#, r"\", "手書き ✓", r#"","model":"x"#] {
            let record = ModelRecord {
                first_owner: Address([1; 20]),
                name: name.into(),
                licence: "MIT OR Apache-2.0".into(),
                program: Hash([2; 32]),
                final_state: Hash([3; 32]),
                artefact: Hash([4; 32]),
                market: Address([5; 20]),
                job: 7,
                operator: Address([6; 20]),
                segments: 20,
                segments_drawn: 5,
                segments_checked: 4,
                royalty_bp: 0,
                registered_at: 1,
                block: 2,
                locations: 0,
            };
            let id = Hash([9; 32]);
            let url = data_url(&id, &record);
            let bytes = STANDARD.decode(url.strip_prefix("data:application/json;base64,").unwrap()).unwrap();
            let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(json["name"], name);
            assert_eq!(json["model"], format!("{id}"));
            assert_eq!(json["licence"], "MIT OR Apache-2.0");
            assert_eq!(json["artefact"], format!("{}", Hash([4; 32])));
            assert_eq!(json["attributes"][3]["value"], "7");
        }
    }
}
