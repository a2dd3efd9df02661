//! Titles and the registry that succeeds another one, on a real chain: what
//! contracts say to each other there. `ASSAY_NODE` names the node's binary.

use assay_client::{Bundle, Call, Chain, Registry, Signer, Titles};
use assay_protocol::{
    Address, Hash,
    commitment::model_id,
    hash::Native,
    registry::{self, DatasetTerms, Node, Predecessor, RegisterDataset, RegisterModel},
    titles::{self, Event},
};
use assay_testkit::{DevNode, NodeOptions};
use std::path::Path;

const ZERO: Address = Address([0; 20]);

fn bundle(name: &str) -> Bundle {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/artefacts");
    Bundle::load(&folder.join(format!("{name}.contract"))).unwrap()
}

/// Titles and a registry that are bound to each other and to a market, which is
/// an account: it sends what only a market may.
async fn deploy(chain: &Chain, by: &Signer, market: Address, predecessor: Option<Address>) -> (Titles, Registry) {
    let (titles, _) = bundle("titles").deploy(chain, "new", ()).unwrap().execute(by).await.unwrap();
    let arguments = (titles, predecessor);
    let (registry, _) = bundle("registry").deploy(chain, "new", arguments).unwrap().execute(by).await.unwrap();
    let (titles, registry) = (Titles::at(chain, titles), Registry::at(chain, registry));
    let early = registry.bind_market(market).execute(by).await.unwrap_err();
    assert_eq!(early.refusal(), Some(&registry::Error::TitlesNotBound), "{early}");
    // Neither itself, nor an account, nor a contract of another kind.
    let (other, _) = bundle("titles").deploy(chain, "new", ()).unwrap().execute(by).await.unwrap();
    for stranger in [titles.address(), market, other] {
        let refused = titles.bind_registry(stranger).execute(by).await.unwrap_err();
        assert_eq!(refused.refusal(), Some(&titles::Error::NotARegistry(stranger)), "{refused}");
    }
    titles.bind_registry(registry.address()).execute(by).await.unwrap();
    registry.bind_market(market).execute(by).await.unwrap();
    (titles, registry)
}

fn classifier(owner: Address, byte: u8) -> RegisterModel {
    RegisterModel {
        owner,
        name: r#"a "quoted" name"#.into(),
        licence: "Apache-2.0".into(),
        royalty_bp: 500,
        program: Hash([0xa0; 32]),
        final_state: Hash([byte; 32]),
        artefact: Hash([0xa1; 32]),
        datasets: vec![Hash([1; 32])],
        parent: None,
        job: 7,
        operator: Address([9; 20]),
        segments: 20,
        segments_drawn: 5,
        segments_checked: 4,
    }
}

#[tokio::test]
async fn a_title_is_issued_traded_and_taken_to_the_successor() {
    let node = DevNode::start(NodeOptions::default()).await.unwrap();
    let chain = Chain::connect(node.url()).await.unwrap();
    let [alice, bob, market] = ["//Alice", "//Bob", "//Charlie"].map(|suri| Signer::from_suri(suri).unwrap());
    for signer in [&alice, &bob, &market] {
        chain.ensure_mapped(signer).await.unwrap();
    }
    let (titles, registry) = deploy(&chain, &alice, market.address(), None).await;
    let data = RegisterDataset {
        id: Hash([1; 32]),
        name: "digits".into(),
        bytes: 1_797,
        terms: DatasetTerms::open("CC-BY-4.0"),
        locations: vec!["https://example.org/digits".into()],
        parents: vec![],
    };
    registry.register_dataset(&data).execute(&alice).await.unwrap();

    // Issued with the model, to the job's client.
    let register = Call::<Hash, registry::Error>::new(
        &chain,
        registry.address(),
        "register_model",
        (classifier(alice.address(), 3),),
    );
    let refused = register.execute(&bob).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(&registry::Error::NotMarket));
    let receipt = register.execute(&market).await.unwrap();
    let token = model_id(&Native, &alice.address(), &Hash([0xa0; 32]), &Hash([3; 32]));
    let issued = Event::Transfer { from: ZERO, to: alice.address(), token };
    assert_eq!(titles.events(&receipt).unwrap(), [issued]);
    let raw = receipt.events.iter().find(|event| event.contract == titles.address()).unwrap();
    let topic = sp_crypto_hashing::keccak_256(b"Transfer(address,address,uint256)");
    assert_eq!((raw.topics.len(), raw.topics[0], raw.topics[3]), (4, Hash(topic), token));
    assert_eq!(titles.owner_of(token).await.unwrap(), Some(alice.address()));
    let uri = titles.token_uri(token).await.unwrap();
    assert!(uri.starts_with("data:application/json;base64,"), "{uri}");

    // Transferred; the registry asks the titles who may act for the model.
    let node_of = Node::Model(token);
    titles.transfer_from(alice.address(), bob.address(), token).execute(&alice).await.unwrap();
    let late = registry.set_locations(&node_of, &["https://a.example".into()]).execute(&alice).await.unwrap_err();
    assert_eq!(late.refusal(), Some(&registry::Error::NotOwner));
    registry.set_locations(&node_of, &["https://b.example".into()]).execute(&bob).await.unwrap();
    let owed = registry.check_inputs(alice.address(), &[data.id], Some(token)).await.unwrap();
    assert_eq!(owed, [registry::Royalty { node: node_of, to: bob.address(), share_bp: 500 }]);
    // A contract that is no receiver does not get it, and nothing moves.
    let lost = titles.safe_transfer_from(bob.address(), registry.address(), token).execute(&bob).await.unwrap_err();
    assert_eq!(lost.refusal(), Some(&titles::Error::InvalidReceiver(registry.address())));

    // The successor.
    let (new_titles, new) = deploy(&chain, &alice, market.address(), Some(registry.address())).await;
    let predecessor = new.predecessor().await.unwrap();
    assert_eq!(predecessor, Some(Predecessor { registry: registry.address(), titles: titles.address() }));
    let taken = new.register_dataset(&data).execute(&bob).await.unwrap_err();
    assert_eq!(taken.refusal(), Some(&registry::Error::InPredecessor));
    let first = new.import_model(token).execute(&bob).await.unwrap_err();
    assert_eq!(first.refusal(), Some(&registry::Error::ImportFirst(Node::Dataset(data.id))));
    let send = titles.safe_transfer_from(bob.address(), new_titles.address(), token);
    let early = send.execute(&bob).await.unwrap_err();
    assert_eq!(early.refusal(), Some(&titles::Error::InvalidReceiver(new_titles.address())));
    new.import_dataset(data.id).execute(&bob).await.unwrap();
    new.import_model(token).execute(&bob).await.unwrap();
    assert_eq!(new.dataset(data.id).await.unwrap(), registry.dataset(data.id).await.unwrap());
    assert_eq!(new.model(token).await.unwrap(), registry.model(token).await.unwrap());
    assert_eq!(new.locations(&node_of).await.unwrap(), ["https://b.example"]);
    assert_eq!(new.made_from(&node_of, 0, 50).await.unwrap(), registry.made_from(&node_of, 0, 50).await.unwrap());
    // The old title counts until it is sent here, by its owner.
    assert_eq!(new_titles.owner_of(token).await.unwrap(), None);
    assert_eq!(new.owner_of(token).await.unwrap(), Some(bob.address()));
    let receipt = send.execute(&bob).await.unwrap();
    let moved = Event::Transfer { from: bob.address(), to: new_titles.address(), token };
    assert_eq!(titles.events(&receipt).unwrap(), [moved]);
    let issued = Event::Transfer { from: ZERO, to: bob.address(), token };
    assert_eq!(new_titles.events(&receipt).unwrap(), [issued]);
    assert_eq!(new_titles.owner_of(token).await.unwrap(), Some(bob.address()));
    assert_eq!(new.owner_of(token).await.unwrap(), Some(bob.address()));
    assert!(new_titles.token_uri(token).await.unwrap().starts_with("data:application/json;base64,"));
    new_titles.transfer_from(bob.address(), alice.address(), token).execute(&bob).await.unwrap();
    assert_eq!(new.owner_of(token).await.unwrap(), Some(alice.address()));
}
