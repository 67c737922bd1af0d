//! `cosmos.base.reflection`, both versions: what the application is made of, as Cosmos tools ask it. What can be
//! asked and sent is read off the tables that answer and decode, not listed again.

use std::collections::BTreeMap;

use app::query::NOT_BEGUN;
use cosmos_sdk_proto::cosmos::base::reflection::{v1beta1 as old, v2alpha1 as wire};
use tonic::{Code, Status};
use types::Chain;

use crate::dispatch::Node;
use crate::unary::status;

const MESSAGE: &str = "cosmos.base.v1beta1.Msg";

/// Kinds of types, and the types of each but messages.
const KINDS: [(&str, &[&str]); 3] = [
    (
        "cosmos.auth.v1beta1.AccountI",
        &["/cosmos.auth.v1beta1.BaseAccount", "/cosmos.auth.v1beta1.ModuleAccount"],
    ),
    (MESSAGE, &[]),
    ("cosmos.crypto.PubKey", &["/cosmos.crypto.ed25519.PubKey", "/cosmos.crypto.secp256k1.PubKey"]),
];

fn chain(node: &Node) -> Result<Chain, Status> {
    node.host.chain().ok_or_else(|| status(Code::Unavailable, NOT_BEGUN))
}

/// Types of the messages that transactions may carry.
fn messages(node: &Node, chain: &Chain) -> Vec<String> {
    let urls = node.reflection.messages().iter().map(|name| format!("/{name}"));
    urls.filter(|url| app::msg::is_known(url, chain)).collect()
}

fn types_of(node: &Node, kind: &str) -> Result<Vec<String>, Status> {
    if kind == MESSAGE {
        return Ok(messages(node, &chain(node)?));
    }
    let found = KINDS.iter().find(|(name, _)| *name == kind);
    let missing = || status(Code::NotFound, "there is no such interface");
    Ok(found.ok_or_else(missing)?.1.iter().map(ToString::to_string).collect())
}

/// Names of kinds of types.
pub(super) async fn interfaces(
    _: &Node,
    _: old::ListAllInterfacesRequest,
) -> Result<old::ListAllInterfacesResponse, Status> {
    let interface_names = KINDS.iter().map(|(name, _)| name.to_string()).collect();
    Ok(old::ListAllInterfacesResponse { interface_names })
}

/// Types of one kind.
pub(super) async fn implementations(
    node: &Node,
    request: old::ListImplementationsRequest,
) -> Result<old::ListImplementationsResponse, Status> {
    let implementation_message_names = types_of(node, &request.interface_name)?;
    Ok(old::ListImplementationsResponse { implementation_message_names })
}

/// How transactions are signed.
pub(super) async fn authn(
    _: &Node,
    _: wire::GetAuthnDescriptorRequest,
) -> Result<wire::GetAuthnDescriptorResponse, Status> {
    let mode = |name: &str, number| wire::SigningModeDescriptor {
        name: name.into(),
        number,
        authn_info_provider_method_fullname: "cosmos.auth.v1beta1.Query.Account".into(),
    };
    let sign_modes = vec![mode("SIGN_MODE_DIRECT", 1), mode("SIGN_MODE_LEGACY_AMINO_JSON", 127)];
    Ok(wire::GetAuthnDescriptorResponse { authn: Some(wire::AuthnDescriptor { sign_modes }) })
}

/// The name of the chain.
pub(super) async fn chain_name(
    node: &Node,
    _: wire::GetChainDescriptorRequest,
) -> Result<wire::GetChainDescriptorResponse, Status> {
    let id = chain(node)?.chain_id;
    Ok(wire::GetChainDescriptorResponse { chain: Some(wire::ChainDescriptor { id }) })
}

/// Kinds of types with their types.
pub(super) async fn codec(
    node: &Node,
    _: wire::GetCodecDescriptorRequest,
) -> Result<wire::GetCodecDescriptorResponse, Status> {
    let mut interfaces = Vec::new();
    for (kind, _) in KINDS {
        let implementer = |type_url: String| wire::InterfaceImplementerDescriptor {
            fullname: type_url.trim_start_matches('/').into(),
            type_url,
        };
        interfaces.push(wire::InterfaceDescriptor {
            fullname: kind.into(),
            interface_accepting_messages: Vec::new(),
            interface_implementers: types_of(node, kind)?.into_iter().map(implementer).collect(),
        });
    }
    Ok(wire::GetCodecDescriptorResponse { codec: Some(wire::CodecDescriptor { interfaces }) })
}

/// The prefix of addresses.
pub(super) async fn configuration(
    node: &Node,
    _: wire::GetConfigurationDescriptorRequest,
) -> Result<wire::GetConfigurationDescriptorResponse, Status> {
    let bech32_account_address_prefix = chain(node)?.prefix;
    let config = Some(wire::ConfigurationDescriptor { bech32_account_address_prefix });
    Ok(wire::GetConfigurationDescriptorResponse { config })
}

/// What can be asked.
pub(super) async fn queries(
    _: &Node,
    _: wire::GetQueryServicesDescriptorRequest,
) -> Result<wire::GetQueryServicesDescriptorResponse, Status> {
    let mut services: BTreeMap<String, Vec<wire::QueryMethodDescriptor>> = BTreeMap::new();
    for path in super::methods() {
        let (service, name) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
        let method = wire::QueryMethodDescriptor { name: name.into(), full_query_path: path.clone() };
        services.entry(service.into()).or_default().push(method);
    }
    let service = |(fullname, methods): (String, _)| wire::QueryServiceDescriptor {
        is_module: fullname.ends_with(".Query"),
        fullname,
        methods,
    };
    let query_services = services.into_iter().map(service).collect();
    Ok(wire::GetQueryServicesDescriptorResponse {
        queries: Some(wire::QueryServicesDescriptor { query_services }),
    })
}

/// What transactions are made of.
pub(super) async fn transaction(
    node: &Node,
    _: wire::GetTxDescriptorRequest,
) -> Result<wire::GetTxDescriptorResponse, Status> {
    let messages = messages(node, &chain(node)?).into_iter();
    let msgs = messages.map(|msg_type_url| wire::MsgDescriptor { msg_type_url }).collect();
    let tx = wire::TxDescriptor { fullname: "cosmos.tx.v1beta1.Tx".into(), msgs };
    Ok(wire::GetTxDescriptorResponse { tx: Some(tx) })
}
