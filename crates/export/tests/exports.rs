//! Every form, of records with ordinary and with hostile texts.

use assay_export::{
    BlockInfo, ChainInfo, Compute, Contributions, Data, Dataset, Edge, Entry, ExportError, File, Form, Job, JobParts,
    Model, Node, Provenance, Record, Verification, svg,
};
use assay_protocol::market::{self, Check, JobView, State};
use assay_protocol::{Address, Hash};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Markup, marks of direction, quotes of every language in between, what runs when
/// it is followed, and no end.
const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>\"><img src=x onerror=alert(1)>",
    "\u{202e}evil\u{2066}\u{200b}\u{feff}",
    "a\nb\r\n---\n# heading\n| x | y |\u{0}\u{7}",
    "[click](javascript:alert(1)) ![x](data:text/html,x) <https://evil.example>",
    "]]>&amp;&#x3c;${x}`code`*bold*_it_~~s~~\\",
    "\": evil\n- x: [1, 2\n'}, !!python/object:os.system",
    "https://evil.example www.evil.example me@evil.example",
    "long",
];

fn hostile(number: usize) -> String {
    match HOSTILE[number % HOSTILE.len()] {
        "long" => "very long ".repeat(1_000),
        text => text.to_owned(),
    }
}

fn hash(byte: u8) -> Hash {
    Hash([byte; 32])
}

fn account(byte: u8) -> Address {
    Address([byte; 20])
}

fn dataset(byte: u8, text: &str) -> Dataset {
    Dataset {
        id: hash(byte),
        owner: account(1),
        name: text.into(),
        bytes: 1_000,
        licence: if text == "plain" { "CC-BY-4.0".into() } else { text.into() },
        licence_text: None,
        open: true,
        price: None,
        access_seconds: 0,
        royalty_bp: 250,
        terms: hash(9),
        registered_at: 1_700_000_000,
        block: 5,
        withdrawn_at: None,
        locations: vec!["javascript:alert(1)".into(), text.into(), "https://example.org/data".into()],
        imported: None,
    }
}

fn model(byte: u8, text: &str, registered_at: u64) -> Model {
    Model {
        id: hash(byte),
        owner: Some(account(2)),
        first_owner: account(3),
        name: text.into(),
        licence: text.into(),
        program: hash(11),
        final_state: hash(12),
        artefact: hash(13),
        market: account(20),
        job: 4,
        operator: account(4),
        segments: 8,
        segments_drawn: 3,
        segments_checked: 3,
        royalty_bp: 0,
        registered_at,
        block: 9,
        locations: vec!["data:text/html,<script>".into(), text.into(), "https://example.org/m|odel".into()],
        imported: None,
    }
}

fn job(text: &str) -> Job {
    let terms = terms();
    let view = JobView {
        id: 4,
        model: market::ModelTerms { name: text.into(), licence: text.into(), parent: None, royalty_bp: 0 },
        datasets: vec![hash(1)],
        job: market::Job {
            state: State::Final,
            operator: Some(account(4)),
            attempts: 1,
            rounds: 1,
            enlisted: 3,
            revealed: 3,
            revealed_stake: 9,
            seed: hash(8),
            opened: 3,
            ..market::Job::posted(account(3), 1_699_999_000, 0)
        },
        terms,
        royalties: vec![],
        commitment: Some(market::Commitment { root: hash(14), block: 7 }),
        ends: None,
        dispute: None,
        model_id: Some(hash(3)),
    };
    let slot = market::Slot {
        segment: 2,
        verifier: account(5),
        check: Check::Passed,
        before: None,
        after: None,
        operator_seal: None,
        verifier_seal: None,
        trace: None,
    };
    let contributions = market::Contributions {
        data: vec![],
        compute: None,
        verification: vec![],
        verification_more: 0,
        challengers: 0,
        bonds: 0,
        refund: 0,
        burned: 0,
    };
    let parts =
        JobParts { market: account(20), view, slots: vec![slot], seats: vec![], demands: vec![], contributions };
    let paid = assay_export::Amount(1_500_000_000_000_000_000);
    let node = Node::Dataset { id: hash(1) };
    Job {
        contributions: Contributions {
            data: vec![Data { node, owner: account(1), share_bp: 250, paid }],
            compute: Some(Compute { operator: account(4), paid }),
            verification: vec![Verification { verifier: account(5), segments: 3, seats: 0, paid }],
            ..Contributions::default()
        },
        ..Job::from(parts)
    }
}

fn terms() -> market::Terms {
    let windows = market::Windows { claim: 1, train: 1, secrets: 1, open: 1, attest: 1, reveal: 1, dispute: 1 };
    market::Terms {
        spec: hash(10),
        program: hash(11),
        segments: 8,
        payment: 1,
        fee: 1,
        stake: 1,
        hand_back: 0,
        bond: 1,
        samples: 3,
        panel: 2,
        sealed_secret: hash(0),
        policy: market::Policy::default(),
        windows,
    }
}

/// A model from two datasets (one derived from the other), a parent model and a
/// job; every text is `text`.
fn provenance(root: Node, text: &str) -> Provenance {
    let (one, two) = (Node::Dataset { id: hash(1) }, Node::Dataset { id: hash(2) });
    let (made, parent) = (Node::Model { id: hash(3) }, Node::Model { id: hash(5) });
    let (trained, former) = (Node::Job { market: account(20), job: 4 }, Node::Job { market: account(21), job: 0 });
    let entry = |node, record| Entry { node, record: Some(record) };
    let mut nodes = vec![
        entry(made, Record::Model(model(3, text, 1_700_000_000))),
        entry(one, Record::Dataset(dataset(1, text))),
        entry(two, Record::Dataset(dataset(2, text))),
        // A time that no calendar has, a job that another market had.
        entry(parent, Record::Model(Model { market: account(21), job: 0, ..model(5, text, u64::MAX) })),
        entry(trained, Record::Job(job(text))),
        Entry { node: former, record: None },
    ];
    nodes.sort_by_key(|entry| entry.node != root);
    let edge = |made, source| Edge { made, source };
    Provenance {
        chain: ChainInfo {
            network: text.into(),
            genesis: hash(99),
            registry: account(22),
            market: account(20),
            titles: account(23),
            symbol: "UNIT".into(),
            block: BlockInfo { number: 10, hash: hash(98), time: 1_700_000_100 },
        },
        root,
        nodes,
        edges: vec![
            edge(made, one),
            edge(made, two),
            edge(two, one),
            edge(made, parent),
            edge(made, trained),
            edge(parent, former),
        ],
        cut: vec![parent],
    }
}

fn roots() -> [Node; 3] {
    [Node::Model { id: hash(3) }, Node::Dataset { id: hash(2) }, Node::Job { market: account(20), job: 4 }]
}

fn files() -> Vec<File> {
    let file = |path: &str, byte| File { path: path.into(), bytes: 7, sha256: hash(byte) };
    vec![file("data.csv", 1), file("sub folder/<x>&\"y\".json", 2)]
}

#[test]
fn forms_are_refused_for_other_records() {
    let [model, dataset, job] = roots();
    for (form, good) in [(Form::Croissant, dataset), (Form::Statement, model), (Form::Card, model)] {
        for node in [model, dataset, job] {
            let result = form.export(&provenance(node, "plain"), &[]);
            assert_eq!(result.is_ok(), node == good, "{} of {node}", form.name());
        }
    }
    let empty = Provenance { nodes: vec![], ..provenance(model, "plain") };
    assert_eq!(Form::Card.export(&empty, &[]), Err(ExportError::NoRecord(model)));
    let mut nowhere = provenance(dataset, "plain");
    let Some(Record::Dataset(record)) = &mut nowhere.nodes[0].record else { panic!("the root comes first") };
    record.locations.clear();
    assert_eq!(Form::Croissant.export(&nowhere, &files()), Err(ExportError::NoLocation));
    for form in Form::ALL {
        assert_eq!(form.name().parse(), Ok(form));
    }
    assert!("pdf".parse::<Form>().unwrap_err().contains("croissant"));
}

#[test]
fn a_statement_binds_the_file_to_the_record() {
    let text = Form::Statement.export(&provenance(roots()[0], "plain"), &[]).unwrap();
    let statement: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(statement["subject"][0]["digest"]["sha256"], "0d".repeat(32));
    let definition = &statement["predicate"]["buildDefinition"];
    assert_eq!(definition["internalParameters"]["record"]["model"], hash(3).to_string());
    assert_eq!(definition["internalParameters"]["chain"]["genesis"], hash(99).to_string());
    assert_eq!(definition["externalParameters"]["specification"], "0a".repeat(32));
    let dependencies = definition["resolvedDependencies"].as_array().unwrap();
    let digests: Vec<&Value> = dependencies.iter().map(|one| &one["digest"]).collect();
    assert_eq!(digests[0]["assayManifest"], "01".repeat(32));
    assert_eq!((digests.len(), &digests[2]["assayModel"]), (3, &Value::from("05".repeat(32))));
}

#[test]
fn prov_has_every_node_and_every_edge() {
    let text = Form::Prov.export(&provenance(roots()[0], "plain"), &[]).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let count = |part: &str| document[part].as_object().map_or(0, |part| part.len());
    assert_eq!((count("entity"), count("activity")), (4, 2));
    assert_eq!((count("wasGeneratedBy"), count("wasDerivedFrom"), count("used")), (2, 4, 3));
    assert_eq!((count("agent"), count("wasAttributedTo")), (5, 4));
}

#[test]
fn prov_as_json_ld_has_the_same_nodes_and_edges() {
    let text = Form::ProvLd.export(&provenance(roots()[0], "plain"), &[]).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let nodes = document["@graph"].as_array().unwrap();
    let of = |class: &str| nodes.iter().filter(|node| node["@type"][0] == class).count();
    assert_eq!((of("prov:Entity"), of("prov:Activity"), of("prov:Agent"), nodes.len()), (4, 2, 5, 11));
    let values =
        |property: &str| nodes.iter().filter_map(|node| node[property].as_array()).map(Vec::len).sum::<usize>();
    let made = ["prov:wasGeneratedBy", "prov:wasDerivedFrom", "prov:used", "prov:wasAttributedTo"].map(values);
    assert_eq!(made, [2, 4, 3, 4]);
    // Each part in a job says which.
    assert_eq!(values("prov:wasAssociatedWith"), values("prov:qualifiedAssociation"));
    assert_eq!(document["@context"]["prov"], "http://www.w3.org/ns/prov#");
}

#[test]
fn a_card_shows_who_was_paid_what() {
    let card = Form::Card.export(&provenance(roots()[0], "plain"), &[]).unwrap();
    let of = |byte: u8| format!("`0x{}`", format!("{byte:02x}").repeat(20));
    for line in [
        format!("| compute | {} | 8 segments of training | 1.5 UNIT |", of(4)),
        format!("| dataset | {} | 2.5 % of the payment | 1.5 UNIT |", of(1)),
        format!("| verification | {} | 3 segments checked, 0 seats on panels | 1.5 UNIT |", of(5)),
        format!("| 2 | {} | passed |", of(5)),
        "* <https://example.org/data>".into(),
    ] {
        // The location with a bar in it is no link.
        let location = line.starts_with('*');
        assert_eq!(card.lines().any(|found| found == line), !location, "{line}\n{card}");
    }
    assert!(card.contains("\n    assay-verifier audit 0x0303"), "{card}");
}

#[test]
fn hostile_texts_stay_text() {
    for number in 0..HOSTILE.len() {
        let text = hostile(number);
        for root in roots() {
            let provenance = provenance(root, &text);
            let drawing = svg::drawing(&provenance);
            let tags = drawing.split('<').skip(1).map(|tag| tag.split([' ', '>', '/']).find(|name| !name.is_empty()));
            for tag in tags {
                let known = ["svg", "title", "style", "rect", "path", "g", "text"];
                assert!(known.contains(&tag.unwrap()), "{tag:?} in {drawing}");
            }
            assert!(!drawing.contains("href") && !drawing.contains('\u{202e}'), "{drawing}");
            assert!(drawing.lines().all(|line| !line.contains(" onerror=\"")), "{drawing}");
            assert!(serde_json::from_str::<Value>(&Form::Prov.export(&provenance, &[]).unwrap()).is_ok());
        }
        let card = Form::Card.export(&provenance(roots()[0], &text), &[]).unwrap();
        assert_eq!(card.lines().filter(|line| *line == "---").count(), 2, "{card}");
        assert_eq!(card.lines().filter(|line| line.starts_with('#')).count(), 6, "{card}");
        // The body, without every mark that a backslash takes the meaning from.
        let mut bare = String::new();
        let mut characters = card.splitn(3, "---\n").nth(2).unwrap().chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => drop(characters.next()),
                other => bare.push(other),
            }
        }
        let addresses = bare.matches("<https://example.org/").count();
        assert_eq!(bare.matches('<').count(), addresses, "{card}");
        assert!(!bare.contains(['[', '!', '~', '$', '\u{202e}']), "{card}");
        assert_eq!(bare.matches('*').count(), 3, "the three locations: {card}");
    }
}

#[test]
fn a_wide_and_a_deep_lineage_are_drawn_whole() {
    let node = |number: u32| {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_be_bytes());
        Node::Dataset { id: Hash(id) }
    };
    let mut wide = provenance(roots()[1], "plain");
    wide.root = node(0);
    wide.nodes = (0..1_000).map(|number| Entry { node: node(number), record: None }).collect();
    // A tree of ten branches each, then a chain.
    wide.edges = (1..1_000).map(|number| Edge { made: node((number - 1) / 10), source: node(number) }).collect();
    let deep = Provenance {
        edges: (1..1_000).map(|number| Edge { made: node(number - 1), source: node(number) }).collect(),
        ..wide.clone()
    };
    // A ring, which no chain has, ends all the same.
    let mut ring = deep.clone();
    ring.edges.push(Edge { made: node(999), source: node(0) });
    for lineage in [wide, deep, ring] {
        let drawing = svg::drawing(&lineage);
        assert_eq!(drawing.matches("<g ").count(), 1_000);
        assert_eq!(drawing.matches("<path ").count(), lineage.edges.len());
    }
}

/// Run by `scripts/test exports`, which installs the checkers.
#[test]
#[ignore = "needs the checkers from PyPI: run scripts/test exports"]
fn other_tools_accept_every_form() {
    let python = std::env::var_os("ASSAY_CHECKERS").expect("scripts/test exports names the checkers' Python");
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    for number in 0..=HOSTILE.len() {
        let text = if number == HOSTILE.len() { "plain".into() } else { hostile(number) };
        for root in roots() {
            let provenance = provenance(root, &text);
            for form in Form::ALL {
                for (files, name) in [(vec![], "bare"), (files(), "files")] {
                    let Ok(text) = form.export(&provenance, &files) else { continue };
                    write(&format!("{number}-{}-{name}.{}", root.kind(), form.name()), text);
                }
            }
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/exports/check.py");
    let output = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    println!("{said}");
}
