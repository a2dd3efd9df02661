//! Every message of a registry and of its titles as a value.

use super::chain::Frame;
use assay_protocol::registry::{self, DatasetTerms, Node, RegisterDataset, RegisterModel, StatementKind};
use assay_protocol::titles::{self, Call};
use assay_protocol::{Address, Hash};
use assay_registry::{access, import, owners, records, statements};

/// A message to a registry, or one to titles.
#[derive(Clone, Debug)]
pub enum Msg {
    BindMarket { market: Address },
    RegisterDataset { args: Box<RegisterDataset> },
    RegisterModel { args: Box<RegisterModel> },
    SetTerms { dataset: Hash, terms: DatasetTerms },
    SetRoyalty { model: Hash, royalty_bp: u16 },
    SetLocations { node: Node, locations: Vec<String> },
    TransferDataset { dataset: Hash, to: Address },
    WithdrawLocations { dataset: Hash },
    GrantAccess { dataset: Hash, account: Address, until: u64, terms: Hash },
    BuyAccess { dataset: Hash, terms: Hash },
    Withdraw,
    AddStatement { node: Node, text: String },
    ImportDataset { dataset: Hash },
    ImportModel { model: Hash },
    ImportGrant { dataset: Hash, account: Address },
    Titles(Call),
}

/// Why either refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The registry.
    Registry(registry::Error),
    /// The titles.
    Titles(titles::Error),
}

impl From<registry::Error> for Refusal {
    fn from(error: registry::Error) -> Self {
        Refusal::Registry(error)
    }
}

impl From<titles::Error> for Refusal {
    fn from(error: titles::Error) -> Self {
        Refusal::Titles(error)
    }
}

impl Msg {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Msg::BindMarket { .. } => "bind_market",
            Msg::RegisterDataset { .. } => "register_dataset",
            Msg::RegisterModel { .. } => "register_model",
            Msg::SetTerms { .. } => "set_terms",
            Msg::SetRoyalty { .. } => "set_royalty",
            Msg::SetLocations { .. } => "set_locations",
            Msg::TransferDataset { .. } => "transfer_dataset",
            Msg::WithdrawLocations { .. } => "withdraw_locations",
            Msg::GrantAccess { .. } => "grant_access",
            Msg::BuyAccess { .. } => "buy_access",
            Msg::Withdraw => "withdraw",
            Msg::AddStatement { .. } => "add_statement",
            Msg::ImportDataset { .. } => "import_dataset",
            Msg::ImportModel { .. } => "import_model",
            Msg::ImportGrant { .. } => "import_grant",
            Msg::Titles(call) => match call {
                Call::TransferFrom { .. } => "transferFrom",
                Call::SafeTransferFrom { .. } => "safeTransferFrom",
                Call::SafeTransferFromWith { .. } => "safeTransferFrom with data",
                Call::Approve { .. } => "approve",
                Call::SetApprovalForAll { .. } => "setApprovalForAll",
                Call::OnErc721Received { .. } => "onERC721Received",
                Call::Mint { .. } => "mint",
                Call::BindRegistry { .. } => "bindRegistry",
                _ => "a read",
            },
        }
    }

    /// Sends it. Gives what leaves the contract with it.
    ///
    /// # Errors
    /// The contract's.
    pub fn send(&self, host: &mut Frame) -> Result<u128, Refusal> {
        match self.clone() {
            Msg::BindMarket { market } => records::bind_market(host, market)?,
            Msg::RegisterDataset { args } => records::register_dataset(host, *args)?,
            Msg::RegisterModel { args } => drop(records::register_model(host, *args)?),
            Msg::SetTerms { dataset, terms } => owners::set_terms(host, dataset, terms)?,
            Msg::SetRoyalty { model, royalty_bp } => owners::set_royalty(host, model, royalty_bp)?,
            Msg::SetLocations { node, locations } => owners::set_locations(host, node, &locations)?,
            Msg::TransferDataset { dataset, to } => owners::transfer_dataset(host, dataset, to)?,
            Msg::WithdrawLocations { dataset } => owners::withdraw_locations(host, dataset)?,
            Msg::GrantAccess { dataset, account, until, terms } => {
                access::grant_access(host, dataset, account, until, terms)?;
            }
            Msg::BuyAccess { dataset, terms } => access::buy_access(host, dataset, terms)?,
            Msg::Withdraw => return Ok(access::withdraw(host)?),
            Msg::AddStatement { node, text } => {
                statements::add_statement(host, node, StatementKind::Note, text, None)?;
            }
            Msg::ImportDataset { dataset } => import::import_dataset(host, dataset)?,
            Msg::ImportModel { model } => import::import_model(host, model)?,
            Msg::ImportGrant { dataset, account } => import::import_grant(host, dataset, account)?,
            Msg::Titles(call) => drop(assay_titles::handle(host, call)?),
        }
        Ok(0)
    }
}
