//! What registries and titles show must be what the model says.

use super::chain::{Frame, REGISTRIES, TITLES};
use super::msg::Msg;
use super::{World, read};
use assay_protocol::Address;
use assay_protocol::registry::Node;
use assay_protocol::titles::{Answer, Call};
use assay_registry::reads;

impl<const TITLES_FIRST: bool> World<TITLES_FIRST> {
    /// After each message.
    pub(super) fn compare(&self, at: usize, msg: &Msg) {
        self.compare_money(at);
        if !matches!(msg, Msg::Titles(_)) || self.log.len().is_multiple_of(16) {
            self.compare_records(at);
        }
        for at in 0..2 {
            self.compare_titles(at);
        }
    }

    fn compare_money(&self, at: usize) {
        let (registry, frame) = (&self.model.registries[at], Frame::read(&self.nest, REGISTRIES[at]));
        let sum: u128 = registry.credits.values().sum();
        assert_eq!(registry.held, sum, "units in = units out + credits");
        for who in self.everybody() {
            let own = registry.credits.get(&who).copied().unwrap_or(0);
            assert_eq!(reads::credit(&frame, who), own, "credit of {who}");
        }
    }

    fn compare_records(&self, at: usize) {
        let (registry, frame) = (&self.model.registries[at], Frame::read(&self.nest, REGISTRIES[at]));
        assert_eq!(reads::market(&frame), registry.market);
        assert_eq!(reads::datasets(&frame, 0, u32::MAX).total as usize, registry.data.len());
        assert_eq!(reads::models(&frame, 0, u32::MAX).total as usize, registry.made.len());
        for (id, own) in &registry.data {
            let shown = reads::dataset(&frame, *id).expect("it is on record");
            assert_eq!((shown.owner, &shown.name, &shown.terms), (own.owner, &own.name, &own.terms), "dataset {id}");
            assert_eq!(shown.withdrawn_at, own.withdrawn, "dataset {id}");
            let node = Node::Dataset(*id);
            assert_eq!(reads::locations(&frame, node), own.locations, "locations of dataset {id}");
            let parents: Vec<Node> = own.parents.iter().map(|(id, _)| Node::Dataset(*id)).collect();
            assert_eq!(reads::made_from(&frame, node, 0, u32::MAX).items, parents, "parents of dataset {id}");
            assert_eq!(reads::imported(&frame, node).is_some(), own.imported.is_some());
        }
        for (id, own) in &registry.made {
            let shown = reads::model(&frame, *id).expect("it is on record");
            assert_eq!(shown.royalty_bp, own.royalty_bp, "model {id}");
            assert_eq!(reads::locations(&frame, Node::Model(*id)), own.locations, "locations of model {id}");
            assert_eq!(reads::owner_of(&frame, *id), self.model.owner_of(at, id), "owner of model {id}");
        }
        for ((id, who), own) in &registry.grants {
            assert_eq!(reads::grant(&frame, *id, *who).as_ref(), Some(own), "grant of {id} to {who}");
        }
        for id in registry.data.keys() {
            let count = registry.grants.keys().filter(|(data, _)| data == id).count();
            assert_eq!(reads::grants(&frame, *id, 0, u32::MAX).total as usize, count, "grants of {id}");
            let said = registry.said.iter().filter(|said| said.0 == Node::Dataset(*id));
            let said: Vec<_> = said.map(|(_, who, text)| (*who, text.clone())).take(50).collect();
            let shown = reads::statements(&frame, Node::Dataset(*id), 0, u32::MAX).items;
            assert_eq!(shown.into_iter().map(|shown| (shown.author, shown.text)).collect::<Vec<_>>(), said);
        }
    }

    fn compare_titles(&self, at: usize) {
        let own = &self.model.titles[at];
        let ask = |call: Call| read(&self.nest, at, call).expect("reading what is there");
        let registry = if own.bound { REGISTRIES[at] } else { Address::default() };
        assert_eq!(ask(Call::Registry), Answer::Address(registry));
        assert_eq!(ask(Call::TotalSupply), Answer::Number(own.order.len() as u128));
        for (index, token) in (0u128..).zip(&own.order) {
            assert_eq!(ask(Call::TokenByIndex { index }), Answer::Token(*token));
            assert_eq!(ask(Call::OwnerOf { token: *token }), Answer::Address(own.owners[token]), "owner of {token}");
            let approved = own.approved.get(token).copied().unwrap_or_default();
            assert_eq!(ask(Call::GetApproved { token: *token }), Answer::Address(approved), "approved for {token}");
        }
        let everybody = self.everybody();
        for who in everybody.iter().chain(&TITLES) {
            let balance = own.owners.values().filter(|owner| *owner == who).count() as u128;
            assert_eq!(ask(Call::BalanceOf { owner: *who }), Answer::Number(balance), "balance of {who}");
        }
        for (owner, operator) in &own.operators {
            assert_eq!(ask(Call::IsApprovedForAll { owner: *owner, operator: *operator }), Answer::Flag(true));
        }
    }
}
