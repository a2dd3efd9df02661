//! W3C PROV as JSON-LD, in the terms of PROV-O (W3C Recommendation 30 April 2013):
//! the PROV-JSON of [`prov`](crate::prov), said as RDF.

use crate::{Provenance, prov};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Kinds of elements, and their classes.
const CLASSES: [(&str, &str); 3] = [("entity", "prov:Entity"), ("activity", "prov:Activity"), ("agent", "prov:Agent")];

/// Relations that are properties of the same name: from what, to what.
const RELATIONS: [(&str, &str, &str); 5] = [
    ("wasAttributedTo", "prov:entity", "prov:agent"),
    ("wasAssociatedWith", "prov:activity", "prov:agent"),
    ("wasGeneratedBy", "prov:entity", "prov:activity"),
    ("wasDerivedFrom", "prov:generatedEntity", "prov:usedEntity"),
    ("used", "prov:activity", "prov:entity"),
];

fn text(value: &Value) -> String {
    value.as_str().expect("names are texts").to_owned()
}

/// A provenance as a JSON-LD document that says what its words mean by itself.
pub fn document(provenance: &Provenance) -> Value {
    let parts = prov::document(provenance);
    let mut nodes: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for (kind, class) in CLASSES {
        for (id, attributes) in parts[kind].as_object().into_iter().flatten() {
            nodes.insert(id.clone(), element(id, class, attributes));
        }
    }
    for (kind, from, to) in RELATIONS {
        let relations = parts[kind].as_object().into_iter().flatten();
        let ends: BTreeSet<(String, String, Option<String>)> = relations
            .map(|(_, relation)| {
                let role = relation.get("prov:role").map(|role| text(&role["$"]));
                (text(&relation[from]), text(&relation[to]), role)
            })
            .collect();
        for (from, to, role) in ends {
            let node = nodes.entry(from.clone()).or_insert_with(|| Map::from_iter([("@id".into(), from.into())]));
            let other = json!({ "@id": to });
            add(node, &format!("prov:{kind}"), &other);
            if let Some(role) = role {
                let association =
                    json!({ "@type": "prov:Association", "prov:agent": other, "prov:hadRole": { "@id": role } });
                add(node, "prov:qualifiedAssociation", &association);
            }
        }
    }
    let mut context = parts["prefix"].clone();
    context["prov"] = "http://www.w3.org/ns/prov#".into();
    context["rdfs"] = "http://www.w3.org/2000/01/rdf-schema#".into();
    json!({ "@context": context, "@graph": nodes.into_values().collect::<Vec<_>>() })
}

fn element(id: &str, class: &str, attributes: &Value) -> Map<String, Value> {
    let mut node = Map::from_iter([("@id".to_owned(), id.into()), ("@type".to_owned(), json!([class]))]);
    for (name, value) in attributes.as_object().into_iter().flatten() {
        match name.as_str() {
            "prov:type" => node["@type"].as_array_mut().expect("made as a list").push(value["$"].clone()),
            "prov:label" => drop(node.insert("rdfs:label".into(), value.clone())),
            "prov:startTime" => {
                let time = json!({ "@type": "xsd:dateTime", "@value": value });
                node.insert("prov:startedAtTime".into(), time);
            }
            _ => {
                let literal = match value.get("$") {
                    Some(typed) => json!({ "@type": value["type"], "@value": typed }),
                    None => value.clone(),
                };
                node.insert(name.clone(), literal);
            }
        }
    }
    node
}

/// Adds a value to a property, once.
fn add(node: &mut Map<String, Value>, property: &str, value: &Value) {
    let values = node.entry(property).or_insert_with(|| json!([])).as_array_mut().expect("made as a list");
    if !values.contains(value) {
        values.push(value.clone());
    }
}
