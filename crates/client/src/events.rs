//! Events of the contracts as the protocol's types.

use crate::{
    chain::to_hex,
    error::{Error, ExecutionError},
    submit::ContractEvent,
};
use parity_scale_codec::{Decode, DecodeAll};

/// The event whose signature is the first topic. An ink! event's data are its
/// fields in SCALE, so that with the variant's index in front they are the
/// protocol's enum.
///
/// `signatures` are in the order of the enum's variants.
pub(crate) fn decode<E: Decode>(event: &ContractEvent, signatures: &[&str]) -> Result<Option<E>, Error> {
    let Some(topic) = event.topics.first() else { return Ok(None) };
    let matches = |signature: &&str| sp_crypto_hashing::blake2_256(signature.as_bytes()) == topic.0;
    let Some(index) = signatures.iter().position(matches) else { return Ok(None) };
    let mut bytes = vec![u8::try_from(index).expect("enums have fewer than 256 variants")];
    bytes.extend(&event.data);
    E::decode_all(&mut &bytes[..]).map(Some).map_err(|error| {
        ExecutionError::BadAnswer {
            address: event.contract,
            message: format!("event {}", signatures[index]),
            reason: format!("{error} in {}", to_hex(&event.data)),
        }
        .into()
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::contract::selector;
    use assay_protocol::{Address, Hash, registry::Event};
    use std::{collections::BTreeSet, path::Path};

    /// Compares a module's messages and events with the committed bundle: what
    /// the one has, the other has, apart from `left_out`.
    pub(crate) fn assert_matches_bundle(name: &str, source: &str, events: &[&str], left_out: &[&str]) {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/artefacts").join(format!("{name}.contract"));
        let text = std::fs::read_to_string(path).unwrap();
        let bundle: serde_json::Value = serde_json::from_str(&text).unwrap();
        let texts = |value: &serde_json::Value, key: &str| value[key].as_str().unwrap().to_string();

        let mut labels: BTreeSet<String> = left_out.iter().map(|label| label.to_string()).collect();
        for call in ["self.call(\"", "self.read(\""] {
            labels.extend(source.split(call).skip(1).map(|rest| rest.split('"').next().unwrap().into()));
        }
        let messages = bundle["spec"]["messages"].as_array().unwrap();
        let expected: BTreeSet<String> = messages.iter().map(|message| texts(message, "label")).collect();
        labels.retain(|label| !label.is_empty() && !label.contains(';'));
        assert_eq!(labels, expected);
        for message in messages {
            let label = texts(message, "label");
            assert_eq!(texts(message, "selector"), to_hex(&selector(&label)), "{label}");
        }

        let module = format!("{name}::");
        let of_contract: BTreeSet<String> = bundle["spec"]["events"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| texts(event, "module_path").starts_with(&module))
            .map(|event| texts(event, "signature_topic"))
            .collect();
        let known: BTreeSet<String> =
            events.iter().map(|text| to_hex(&sp_crypto_hashing::blake2_256(text.as_bytes()))).collect();
        assert_eq!(known, of_contract);
    }

    #[test]
    fn events_are_told_apart_by_their_first_topic() {
        let signatures = ["A()", "DatasetRegistered(Digest,Account)"];
        let event = |topics: Vec<Hash>, data: Vec<u8>| ContractEvent { contract: Address([3; 20]), data, topics };
        let topic = Hash(sp_crypto_hashing::blake2_256(signatures[1].as_bytes()));
        let data = [[1; 32].as_slice(), [2; 20].as_slice()].concat();
        let read = |event| decode::<Event>(&event, &signatures);
        let expected = Event::DatasetRegistered { dataset: Hash([1; 32]), owner: Address([2; 20]) };
        assert_eq!(read(event(vec![topic], data.clone())).unwrap(), Some(expected));
        assert_eq!(read(event(vec![], data.clone())).unwrap(), None);
        assert_eq!(read(event(vec![Hash([0; 32])], data.clone())).unwrap(), None);
        let error = read(event(vec![topic], data[1..].to_vec())).unwrap_err().to_string();
        assert!(error.contains("DatasetRegistered"), "{error}");
    }
}
