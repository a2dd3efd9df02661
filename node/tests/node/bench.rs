use crate::harness::*;
use assay_node_runtime::currency::UNIT;
use std::time::Instant;
#[test]
#[ignore]
fn latency() {
    for folder in [None, Some(tempfile::tempdir().unwrap())] {
        let path = folder.as_ref().map(|f| f.path().to_str().unwrap().to_owned());
        let args: Vec<&str> = match &path {
            Some(p) => vec!["--base-path", p],
            None => vec!["--tmp"],
        };
        let s = Instant::now();
        let node = Node::start(&args);
        println!("{args:?} start {:?}", s.elapsed());
        let mut c = node.client();
        let mut times = vec![];
        for nonce in 0..200 {
            let x = signed(node.genesis, "//Alice", nonce, transfer("//Bob", UNIT));
            let t = Instant::now();
            c.submit(&x);
            times.push(t.elapsed());
        }
        times.sort();
        println!("median {:?} p90 {:?} max {:?}", times[100], times[180], times[199]);
        if let Some(p) = &path {
            println!("{:?}", std::fs::metadata(format!("{p}/chain.redb")).unwrap().len());
            use std::os::unix::fs::MetadataExt;
            println!("blocks {}", std::fs::metadata(format!("{p}/chain.redb")).unwrap().blocks() * 512);
        }
    }
}
#[test]
#[ignore]
fn registry() {
    use assay_node_runtime::*;
    use codec::Encode;
    let bundle: serde_json::Value =
        serde_json::from_slice(&std::fs::read("/work/main/contracts/artefacts/registry.contract").unwrap()).unwrap();
    let code = unhex(bundle["source"]["contract_binary"].as_str().unwrap());
    let node = Node::start(&["--tmp"]);
    let mut c = node.client();
    let b = c.submit(&signed(node.genesis, "//Alice", 0, pallet_revive::Call::<Runtime>::map_account {}));
    let sel = bundle["spec"]["constructors"][0]["selector"].as_str().unwrap();
    println!("code {} sel {sel} {}", code.len(), bundle["spec"]["constructors"][0]);
    let call = pallet_revive::Call::<Runtime>::instantiate_with_code {
        value: 0,
        weight_limit: sp_runtime::Weight::from_parts(1_000_000_000_000, 5_000_000),
        storage_deposit_limit: 100 * UNIT,
        code: code.clone(),
        data: unhex(sel),
        salt: None,
    };
    let t = Instant::now();
    let b2 = c.submit(&signed(node.genesis, "//Alice", 1, call));
    println!("{:?}", t.elapsed());
    for e in c.events(b2) {
        println!("{:?}", e.event);
    }
    let _ = (b, sel.encode());
}
