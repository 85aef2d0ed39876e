//! Answering a protocol command: from request bytes to response bytes.

use notary_plugin_protocol::{
    Command, DescribeKeyRequest, GenerateEnvelopeRequest, GenerateSignatureRequest,
    GetPluginMetadataRequest, Message, PluginConfig, VerifySignatureRequest,
};

use crate::{Context, Plugin, PluginError, keyring::Keyring};

/// A request that is valid by the protocol.
#[derive(Debug)]
pub(crate) enum Request {
    DescribeKey(DescribeKeyRequest),
    GenerateSignature(GenerateSignatureRequest),
    GenerateEnvelope(GenerateEnvelopeRequest),
    VerifySignature(VerifySignatureRequest),
}

impl Request {
    /// Parses the request of any command but `get-plugin-metadata`.
    pub(crate) fn parse(command: Command, json: &[u8]) -> Result<Self, PluginError> {
        match command {
            Command::DescribeKey => DescribeKeyRequest::from_json(json).map(Self::DescribeKey),
            Command::GenerateSignature => {
                GenerateSignatureRequest::from_json(json).map(Self::GenerateSignature)
            }
            Command::GenerateEnvelope => {
                GenerateEnvelopeRequest::from_json(json).map(Self::GenerateEnvelope)
            }
            Command::VerifySignature => {
                VerifySignatureRequest::from_json(json).map(Self::VerifySignature)
            }
            Command::GetPluginMetadata => {
                return Err(PluginError::error(
                    "get-plugin-metadata is answered without a request",
                ));
            }
        }
        .map_err(PluginError::from)
    }

    pub(crate) fn plugin_config(&self) -> &PluginConfig {
        match self {
            Self::DescribeKey(request) => &request.plugin_config,
            Self::GenerateSignature(request) => &request.plugin_config,
            Self::GenerateEnvelope(request) => &request.plugin_config,
            Self::VerifySignature(request) => &request.plugin_config,
        }
    }
}

/// Answers `get-plugin-metadata`, without starting anything. A request may be absent: the answer does not
/// depend on it.
pub(crate) fn metadata(plugin: &Plugin, request: &[u8]) -> Result<Vec<u8>, PluginError> {
    if !request.trim_ascii().is_empty() {
        GetPluginMetadataRequest::from_json(request)?;
    }
    Ok(plugin.metadata()?.to_json())
}

/// Whether the plugin has the parts that a command needs.
pub(crate) fn check_offered(plugin: &Plugin, command: Command) -> Result<(), PluginError> {
    let capabilities = plugin.capabilities();
    if command == Command::GetPluginMetadata
        || capabilities
            .iter()
            .any(|capability| capability.required_commands().contains(&command))
    {
        return Ok(());
    }
    let capabilities: Vec<&str> = capabilities
        .iter()
        .map(|capability| capability.as_str())
        .collect();
    Err(PluginError::validation(format!(
        "{} does not offer {command}: its capabilities are {}",
        plugin.description.executable(),
        capabilities.join(", ")
    )))
}

/// Answers any other command. What the keyring holds open stays open for the next request.
pub(crate) async fn answer(
    plugin: &Plugin,
    keyring: Option<&Keyring<'_>>,
    request: Request,
    context: &Context,
) -> Result<Vec<u8>, PluginError> {
    let missing = || PluginError::validation("this plugin does not offer the command");
    match request {
        Request::DescribeKey(request) => match (keyring, &plugin.envelopes) {
            (Some(keyring), _) => keyring.describe_key(&request, context).await,
            (None, Some(generator)) => generator.describe_key(&request, context).await,
            (None, None) => Err(missing()),
        }
        .map(|response| response.to_json()),
        Request::GenerateSignature(request) => {
            let keyring = keyring.ok_or_else(missing)?;
            Ok(keyring
                .generate_signature(request, context)
                .await?
                .to_json())
        }
        Request::GenerateEnvelope(request) => {
            let generator = plugin.envelopes.as_ref().ok_or_else(missing)?;
            Ok(generator.generate(&request, context).await?.to_json())
        }
        Request::VerifySignature(request) => {
            Ok(plugin.checks.verify(&request, context).await?.to_json())
        }
    }
}
